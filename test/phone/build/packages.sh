#!/bin/bash
# Downloads and unpacks (does not install) the kernel, its headers and kbuild's host programs.
. "$(dirname "$0")/common.sh"

abi=$(version_of abi)
case $PAGES in
  4k) flavour=cloud-$debian_arch kbuild=linux-kbuild-6.1 ;;
  16k) flavour=$debian_arch-16k kbuild=linux-kbuild-$abi ;;
esac
release=$abi-$flavour
cd "$OUT"
retry private_apt apt-get download \
  "linux-image-$release:$debian_arch" "linux-headers-$release:$debian_arch" "linux-headers-$abi-common" "$kbuild:amd64"
for deb in *.deb; do
  dpkg-deb -x "$deb" .
  rm "$deb"
done

# The packages name each other by absolute paths below /usr/src; here they are neighbours.
cat > "usr/src/linux-headers-$release/Makefile" <<MAKEFILE
include \$(dir \$(lastword \$(MAKEFILE_LIST)))../linux-headers-$abi-common/Makefile
MAKEFILE
# Newer headers bring the kernel's BTF, for which kbuild would want pahole. Modules do without.
rm -f "usr/src/linux-headers-$release/vmlinux"
echo "$release" > release
mkdir usable
ln -s "../usr/src/linux-headers-$release" usable/objects
ln -s "../usr/src/linux-headers-$abi-common" usable/source
ln -s "../lib/modules/$release" usable/modules
ln -s "../boot/vmlinuz-$release" usable/vmlinuz
ln -s "../boot/config-$release" usable/config
