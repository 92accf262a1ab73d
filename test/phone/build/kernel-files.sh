#!/bin/bash
# The three files of the kernel's own source that the phone is about, unmodified.
. "$(dirname "$0")/common.sh"

files=(kernel/gen_kheaders.sh kernel/kheaders.c kernel/configs.c)
# --occurrence lets tar stop before the end of a very long archive.
tar xJf /usr/src/linux-source-6.1.tar.xz -C "$OUT" --strip-components=1 --occurrence=1 "${files[@]/#/linux-source-6.1/}"
