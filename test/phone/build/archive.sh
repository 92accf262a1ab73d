#!/bin/bash
# kheaders.tar.xz, by the kernel's own gen_kheaders.sh from the packaged headers.
. "$(dirname "$0")/common.sh"

objects=$IN_PACKAGES/usable/objects
source=$(readlink -f "$IN_PACKAGES/usable/source")
mkdir -p "$OUT/work/kernel" "$OUT/work/arch/$kernel_arch"
cp -a "$objects/include" "$OUT/work/"
cp -a "$objects/arch/$kernel_arch/include" "$OUT/work/arch/$kernel_arch/"
(
  cd "$OUT/work"
  building_out_of_srctree=1 srctree=$source SRCARCH=$kernel_arch XZ=xz PATH="$here/src/archive:$PATH" \
    KBUILD_BUILD_TIMESTAMP='2026-01-01 00:00:00 UTC' sh "$IN_KERNEL_FILES/kernel/gen_kheaders.sh" kernel/kheaders_data.tar.xz
)
mv "$OUT/work/kernel/kheaders_data.tar.xz" "$OUT/kheaders.tar.xz"
rm -rf "$OUT/work"
