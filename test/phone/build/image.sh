#!/bin/bash
# The initramfs of one layout: the base and a small archive laid over it, one after the other in one file.
. "$(dirname "$0")/common.sh"

root=$OUT/root
release=$(cat "$IN_PACKAGES/release")
first_stage=$root/first_stage_modules
mkdir -p "$first_stage"

# load_at_boot MODULE: what a kernel has built in is no file.
load_at_boot() {
  [ -e "$IN_MODULES/$1" ] || return 0
  cp "$IN_MODULES/$1" "$first_stage/"
  echo "$1" >> "$first_stage/layout.load"
}

# install_module DIRECTORY NAME-IN-IT NAME-IN-MODULES.DEP
install_module() {
  install -Dm 644 "$IN_MODULES/kheaders.ko" "$root/$1/$2"
  echo "$3:" >> "$root/$1/modules.dep"
  echo "$3" > "$root/$1/modules.load"
  touch "$root/$1/modules.alias" "$root/$1/modules.softdep"
}

load_at_boot configs.ko
case $LAYOUT in
  sys) install_module "system_dlkm/lib/modules/$release" kernel/kernel/kheaders.ko kernel/kernel/kheaders.ko ;;
  proc)
    # Beside the modules that the base has there.
    install -Dm 644 -t "$root/vendor/lib/modules" "$IN_VENDOR_MODULES"/modules/modules.*
    install_module vendor/lib/modules kheaders.ko /vendor/lib/modules/kheaders.ko
    ;;
  legacy) install_module "lib/modules/$release" kernel/kernel/kheaders.ko kernel/kernel/kheaders.ko ;;
  builtin) load_at_boot kheaders.ko ;;
esac

(cd "$root" && find . -mindepth 1 | LC_ALL=C sort | cpio -o -H newc --quiet -R 0:0) > "$OUT/layout.cpio"
cat "$IN_BASE_IMAGE/base.cpio" "$OUT/layout.cpio" > "$OUT/initramfs.cpio"
rm -rf "$root" "$OUT/layout.cpio"
cp "$IN_PACKAGES/release" "$OUT/release"
