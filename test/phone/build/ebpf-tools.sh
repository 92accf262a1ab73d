#!/bin/bash
# Downloads and unpacks (does not install) Debian's bpftrace, BCC for Python, clang and bpftool with their libraries, but
# for those every Debian with Python and a compiler has. bin/ holds the programs as PATH wants them.
. "$(dirname "$0")/common.sh"

cd "$OUT"
retry private_apt apt-get download \
  bpftrace bpftool python3-bpfcc libbpfcc libbpf1 clang-14 libclang1-14 libclang-cpp14 libclang-common-14-dev libllvm14 \
  libelf1 libdw1 libcap2 libedit2 libbsd0 libmd0 libtinfo6 libffi8 libxml2 libicu72 liblzma5 libbz2-1.0 libz3-4
for deb in *.deb; do
  dpkg-deb -x "$deb" .
  rm "$deb"
done

mkdir bin
# wrap NAME PROGRAM [PREFIX]: PROGRAM, which is below this folder or absolute, with our libraries.
wrap() {
  local program="\$here/$2"
  case $2 in /*) program=$2 ;; esac
  cat > "bin/$1" <<WRAPPER
#!/bin/sh
here=\$(cd "\$(dirname "\$0")/.." && pwd)
export LD_LIBRARY_PATH="\$here/usr/lib/x86_64-linux-gnu" PYTHONPATH="\$here/usr/lib/python3/dist-packages"
exec ${3:-}"$program" "\$@"
WRAPPER
  chmod 755 "bin/$1"
}
# bpftrace 0.17 runs for root only, also where it loads nothing.
# shellcheck disable=SC2016
wrap bpftrace usr/bin/bpftrace '$([ "$(id -u)" = 0 ] || echo unshare -r) '
wrap bpftool usr/sbin/bpftool
wrap clang usr/lib/llvm-14/bin/clang
# BCC is a module of Debian's own Python.
wrap python3 /usr/bin/python3
