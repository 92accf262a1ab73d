#!/bin/bash
# kheaders.tar.xz as proposed in March 2019: Makefile, scripts and headers, so that `make -C` works in it directly.
. "$(dirname "$0")/common.sh"

objects=$(readlink -f "$IN_PACKAGES/usable/objects")
source=$(readlink -f "$IN_PACKAGES/usable/source")
tree=$OUT/tree
mkdir -p "$tree/arch/$kernel_arch"
cp -a "$source/Makefile" "$source/include" "$tree/"
cp -a "$objects/include/." "$tree/include/"
cp -a "$source/arch/$kernel_arch/." "$tree/arch/$kernel_arch/"
cp -a "$objects/arch/$kernel_arch/." "$tree/arch/$kernel_arch/"
cp -aL "$objects/scripts" "$objects/tools" "$tree/"
cp -a "$objects/.config" "$objects/Module.symvers" "$tree/"
cat > "$tree/.kernelvariables" <<VARIABLES
override ARCH = $kernel_arch
override KERNELRELEASE = $(cat "$IN_PACKAGES/release")
CC = \$(CROSS_COMPILE)gcc-12
DEBIAN_KERNEL_NO_CC_VERSION_CHECK = y
VARIABLES
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime='2026-01-01 UTC' -C "$tree" -cf - . | xz -3 -T0 > "$OUT/kheaders.tar.xz"
rm -rf "$tree"
