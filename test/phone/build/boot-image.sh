#!/bin/bash
# The content of the boot partition, made from the kernel that the phone runs: a boot.img, and zeros up to the size of
# the partition.
. "$(dirname "$0")/common.sh"

kernel=$IN_PACKAGES/usable/vmlinuz
# Phones' images are compressed; Debian's for arm64 is not (Documentation/arm64/booting.rst: the magic is at offset 56).
if [ "$(dd if="$kernel" bs=1 skip=56 count=4 status=none | tr -d "\0")" = ARMd ]; then
  gzip -n < "$kernel" > "$OUT/Image.gz"
  kernel=$OUT/Image.gz
fi
(cd "$here" && node --import tsx write-boot-image.ts "$kernel" "$OUT/boot.img")
rm -f "$OUT/Image.gz"
size=$((32 * 1024 * 1024))
[ "$(stat -c %s "$OUT/boot.img")" -lt $size ]
truncate -s $size "$OUT/boot.img"
