#!/bin/bash
# What a phone has of kheaders where the kernel was built with it: the archive, and the module if it is none of the
# kernel's built-in parts.
. "$(dirname "$0")/common.sh"

cp "$IN_PACKAGES/usable/objects/kernel/kheaders_data.tar.xz" "$OUT/kheaders.tar.xz"
[ "$LAYOUT" = builtin ] || cp "$IN_PACKAGES/usable/objects/kernel/kheaders.ko" "$OUT/"
