#!/bin/bash
# The three files of the kernel's own source that the phone is about, unmodified.
. "$(dirname "$0")/common.sh"

files=(kernel/gen_kheaders.sh kernel/kheaders.c kernel/configs.c)
case $PAGES in
  4k) source=linux-source-6.1 archive=/usr/src/linux-source-6.1.tar.xz ;;
  16k)
    source=linux-source-$(version_of abi | cut -d. -f1-2)
    cd "$OUT"
    retry private_apt apt-get download "$source=$(version_of linux)"
    dpkg-deb --fsys-tarfile "$source"_*.deb | tar xf - "./usr/src/$source.tar.xz"
    rm "$source"_*.deb
    archive=$OUT/usr/src/$source.tar.xz
    ;;
esac
# --occurrence lets tar stop before the end of a very long archive.
tar xJf "$archive" -C "$OUT" --strip-components=1 --occurrence=1 "${files[@]/#/$source/}"
rm -rf "${OUT:?}/usr"
