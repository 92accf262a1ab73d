#!/bin/bash
# kheaders.ko and configs.ko for one layout, from the kernel's own kheaders.c and configs.c.
. "$(dirname "$0")/common.sh"

objects=$(readlink -f "$IN_PACKAGES/usable/objects")
case $LAYOUT in
  sys | proc | legacy) ikheaders='CONFIG_IKHEADERS=m' ;;
  builtin) ikheaders='CONFIG_IKHEADERS=y' ;;
  none) ikheaders='# CONFIG_IKHEADERS is not set' ;;
esac
archive=${IN_ARCHIVE:-${IN_ARCHIVE_LEGACY:-}}

work=$OUT/work
mkdir -p "$work/kernel"
cp "$IN_KERNEL_FILES/kernel/configs.c" "$work/"
sed "s/^# CONFIG_IKHEADERS is not set\$/$ikheaders/" "$IN_PACKAGES/usable/config" > "$OUT/config"
grep -qx "$ikheaders" "$OUT/config"
gzip -9n < "$OUT/config" > "$work/kernel/config_data.gz"
modules=(configs.o)

if [ -n "$archive" ]; then
  modules+=(kheaders.o)
  cp "$archive/kheaders.tar.xz" "$work/kernel/kheaders_data.tar.xz"
  cp "$IN_KERNEL_FILES/kernel/kheaders.c" "$work/"
  case $LAYOUT in
    proc | legacy) python3 "$here/src/kheaders-to-proc.py" "$work/kheaders.c" ;;
  esac
fi

# .incbin names "kernel/…" relative to the kernel's build directory; -I lets the assembler find it here.
cat > "$work/Kbuild" <<KBUILD
obj-m := ${modules[*]}
CFLAGS_kheaders.o := -Wa,-I\$(src)
CFLAGS_configs.o := -Wa,-I\$(src) -DCONFIG_IKCONFIG=1 -DCONFIG_IKCONFIG_PROC=1
KBUILD
make -C "$objects" M="$work" ARCH="$kernel_arch" ${cross:+CROSS_COMPILE="$cross"} modules
mv "$work"/*.ko "$OUT/"
[ -z "$archive" ] || cp "$archive/kheaders.tar.xz" "$OUT/"
rm -rf "$work"
