#!/bin/bash
# A kernel nearer to those of phones than Debian's: clang, lld, shadow call stack. About eight minutes on two cores; a
# VARIANT begins with the objects of the kernel that it varies, and what follows from its configuration is built again.
. "$(dirname "$0")/common.sh"
. "$IN_LLVM/env.sh"

# Two kernels of one release whose /proc/version is the same, to the letter: nothing but their content tells them apart.
export KBUILD_BUILD_TIMESTAMP='2026-01-01 00:00:00 UTC' KBUILD_BUILD_USER=phone KBUILD_BUILD_HOST=phone KBUILD_BUILD_VERSION=1
objects=$OUT/objects
make=(make -C "$IN_GKI_SOURCE/tree" O="$objects" ARCH=arm64 LLVM=1 -j"$JOBS")

added=$here/src/gki/$VARIANT.config

if [ -n "${IN_PACKAGES:-}" ]; then
  cp -a "$IN_PACKAGES/objects" "$objects"
  # The kernel's generator does not look at autoconf.h when it decides whether the archive is to be made anew.
  rm -f "$objects"/kernel/kheaders_data.tar.xz "$objects"/kernel/kheaders.md5
else
  mkdir "$objects"
  "${make[@]}" tinyconfig
fi
cat "$added" >> "$objects/.config"
"${make[@]}" olddefconfig
if grep -vxF -f "$objects/.config" "$added"; then
  echo 'the kernel does not take these lines of its configuration' >&2
  exit 1
fi
"${make[@]}" Image modules

cp "$objects/include/config/kernel.release" "$OUT/release"
mkdir -p "$OUT/usable/modules"
ln -s ../objects "$OUT/usable/objects"
ln -s "$IN_GKI_SOURCE/tree" "$OUT/usable/source"
ln -s ../objects/arch/arm64/boot/Image "$OUT/usable/vmlinuz"
ln -s ../objects/.config "$OUT/usable/config"
cp "$objects/modules.builtin" "$OUT/usable/modules/"
