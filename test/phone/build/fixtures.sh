#!/bin/bash
# Modules for the phone's kernel that tests load, built from src/fixtures with the kernel's own headers.
. "$(dirname "$0")/common.sh"

objects=$(readlink -f "$IN_PACKAGES/usable/objects")
work=$OUT/work
mkdir "$work"
cp "$here"/src/fixtures/*.c "$work/"
for source in "$work"/*.c; do
  echo "obj-m += $(basename "$source" .c).o"
done > "$work/Kbuild"
make -C "$objects" M="$work" ARCH="$kernel_arch" ${cross:+CROSS_COMPILE="$cross"} modules
# Debug information makes them twenty times as large.
for module in "$work"/*.ko; do
  "${cross}strip" --strip-debug "$module" -o "$OUT/$(basename "$module")"
done
rm -rf "$work"
