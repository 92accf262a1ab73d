#!/bin/bash
# clang, lld and the other programs that a kernel is built with by LLVM=1, and the parser generators of its
# configuration. Unpacked, not installed: env.sh in the result is sourced by who wants to use them.
. "$(dirname "$0")/common.sh"

programs=(clang-14 lld-14 llvm-14 flex bison m4)
# What of their libraries a machine with a C compiler does not have anyway.
libraries=(libclang-common-14-dev libclang-cpp14 libllvm14 libedit2 libbsd0 libmd0 libz3-4 libxml2 libicu72 libffi8 libsigsegv2)
mkdir "$OUT/root"
cd "$OUT"
retry private_apt apt-get download "${programs[@]/%/:amd64}" "${libraries[@]/%/:amd64}"
for deb in *.deb; do
  dpkg-deb --fsys-tarfile "$deb" | tar -x -C root --exclude='./usr/share/doc*' --exclude='./usr/share/man' --exclude='*.a'
  rm "$deb"
done

cat > env.sh <<'ENVIRONMENT'
# shellcheck shell=bash
llvm=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/root
export PATH=$llvm/usr/lib/llvm-14/bin:$llvm/usr/bin:$PATH
export LD_LIBRARY_PATH=$llvm/usr/lib/x86_64-linux-gnu:$llvm/usr/lib/llvm-14/lib
export BISON_PKGDATADIR=$llvm/usr/share/bison M4=$llvm/usr/bin/m4
ENVIRONMENT
(
  . ./env.sh
  for name in clang ld.lld llvm-ar llvm-nm llvm-objcopy llvm-objdump llvm-readelf llvm-strip flex bison; do "$name" --version | head -1; done
)
