#!/bin/bash
# The source of the kernel nearer to GKI: Debian's, without the bulk that arm64's smallest configuration never compiles.
. "$(dirname "$0")/common.sh"

mkdir "$OUT/tree"
tar xJf /usr/src/linux-source-6.1.tar.xz -C "$OUT/tree" --strip-components=1 --wildcards \
  --exclude='*/drivers/gpu/*.[ch]' --exclude='*/drivers/media/*.[ch]' --exclude='*/sound/*.[ch]' --exclude='*/tools/testing'
