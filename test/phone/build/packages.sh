#!/bin/bash
# Downloads and unpacks (does not install) the kernel, its headers and kbuild's host programs.
. "$(dirname "$0")/common.sh"

abi=$(version_of abi)
cd "$OUT"
retry private_apt apt-get download \
  "linux-image-$abi-cloud-$debian_arch:$debian_arch" "linux-headers-$abi-cloud-$debian_arch:$debian_arch" \
  "linux-headers-$abi-common" "linux-kbuild-6.1:amd64"
for deb in *.deb; do
  dpkg-deb -x "$deb" .
  rm "$deb"
done

release=$abi-cloud-$debian_arch
# The packages name each other by absolute paths below /usr/src; here they are neighbours.
cat > "usr/src/linux-headers-$release/Makefile" <<MAKEFILE
include \$(dir \$(lastword \$(MAKEFILE_LIST)))../linux-headers-$abi-common/Makefile
MAKEFILE
echo "$release" > release
mkdir usable
ln -s "../usr/src/linux-headers-$release" usable/objects
ln -s "../usr/src/linux-headers-$abi-common" usable/source
ln -s "../lib/modules/$release" usable/modules
ln -s "../boot/vmlinuz-$release" usable/vmlinuz
ln -s "../boot/config-$release" usable/config
