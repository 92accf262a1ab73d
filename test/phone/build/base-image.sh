#!/bin/bash
# The part of the root file system that every layout shares, as an uncompressed cpio archive.
. "$(dirname "$0")/common.sh"

case $ARCH in
  x86_64) abi=x86_64 abis=x86_64,x86 ;;
  arm64) abi=arm64-v8a abis=arm64-v8a,armeabi-v7a,armeabi ;;
esac
root=$OUT/root
system=$root/system

make_directories() {
  mkdir -p "$root"/{proc,sys,dev,mnt,apex,data/adb,data/local/tmp,data/misc/adb,data/media/0,storage/emulated} \
    "$root"/{first_stage_modules,odm/bin,product/bin,vendor/{bin,etc,lib/modules},system/{bin,xbin,etc,lib64}}
  chmod 771 "$root/data/local" "$root/data/local/tmp"
  ln -s system/bin "$root/bin"
  ln -s system/etc "$root/etc"
  ln -s /data/media/0 "$root/sdcard"
  ln -s /data/media/0 "$root/storage/emulated/0"
  ln -s /sys/kernel/debug "$root/d"
}

install_programs() {
  local name
  install -m 755 "$IN_USERLAND/phone" "$root/init"
  for name in getprop setprop reboot; do ln -s /init "$system/bin/$name"; done
  install -m 755 "$IN_USERLAND/phone" "$system/xbin/su"
  install -m 755 "$IN_MKSH/sh" "$IN_TOYBOX/toybox" "$IN_ADBD/adbd" "$system/bin/"
  while read -r name; do
    [ -e "$system/bin/$name" ] || [ -L "$system/bin/$name" ] || ln -s toybox "$system/bin/$name"
  done < "$IN_TOYBOX/commands"
}

write_accounts() {
  local entry
  printf '%s\n' 'root:x:0:0::/:/system/bin/sh' 'shell:x:2000:2000::/:/system/bin/sh' > "$system/etc/passwd"
  for entry in root:0 system:1000 input:1004 log:1007 adb:1011 sdcard_rw:1015 sdcard_r:1028 shell:2000 \
    net_bt_admin:3001 net_bt:3002 inet:3003 net_bw_stats:3006 readproc:3009 uhid:3011; do
    echo "${entry%:*}:x:${entry#*:}:"
  done > "$system/etc/group"
  echo '127.0.0.1 localhost' > "$system/etc/hosts"
}

write_properties() {
  cat > "$system/build.prop" <<PROPERTIES
ro.build.version.release=11
ro.build.version.sdk=30
ro.build.type=userdebug
ro.build.tags=test-keys
ro.build.id=RP1A
ro.build.fingerprint=virtual/phone/phone:11/RP1A/1:userdebug/test-keys
ro.product.name=phone
ro.product.model=Virtual Phone
ro.product.device=phone
ro.product.brand=virtual
ro.product.manufacturer=virtual
ro.product.cpu.abi=$abi
ro.product.cpu.abilist=$abis
ro.boot.slot_suffix=_a
ro.debuggable=1
ro.secure=1
ro.adb.secure=0
service.adb.tcp.port=5555
phone.su=magisk
PROPERTIES
  sed -i "s/^ro.build.fingerprint=.*/&\nro.kernel.version=$(cat "$IN_PACKAGES/release")/" "$system/build.prop"
}

# Not stripped: that would break Debian's signatures on them. In the order in which they load; what a kernel has built
# in needs no module.
install_boot_modules() {
  local modules=$IN_PACKAGES/usable/modules/ name file
  for name in virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci failover net_failover \
    virtio_net virtio_console virtio_blk; do
    if grep -q "/$name\.ko\$" "$modules/modules.builtin"; then continue; fi
    file=$(find "$modules" -name "$name.ko" -o -name "$name.ko.xz" | grep .)
    case $file in
      *.xz) xz -dc "$file" ;;
      *) cat "$file" ;;
    esac > "$root/first_stage_modules/$name.ko"
    echo "$name.ko" >> "$root/first_stage_modules/modules.load"
  done
}

make_directories
install_programs
[ -z "${IN_VENDOR_MODULES:-}" ] || install -m 644 "$IN_VENDOR_MODULES"/modules/* "$root/vendor/lib/modules/"
write_accounts
write_properties
cp "$here/src/mksh/mkshrc" "$system/etc/mkshrc"
install_boot_modules
(cd "$root" && find . | LC_ALL=C sort | cpio -o -H newc --quiet -R 0:0) > "$OUT/base.cpio"
rm -rf "$root"
