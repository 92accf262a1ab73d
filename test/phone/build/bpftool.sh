#!/bin/bash
# Debian's bpftool for the phone, with its libraries and their loader: a folder that runs wherever it is put.
. "$(dirname "$0")/common.sh"

cd "$OUT"
packages=(bpftool libelf1 zlib1g libcap2 libc6)
retry private_apt apt-get download "${packages[@]/%/:$debian_arch}"
mkdir unpacked bpftool
for deb in *.deb; do
  dpkg-deb -x "$deb" unpacked
  rm "$deb"
done
cp unpacked/usr/sbin/bpftool bpftool/program
for name in libelf.so.1 libz.so.1 libcap.so.2 libc.so.6; do
  find unpacked -name "$name" -exec cp -L {} bpftool/ \; -quit
done
find unpacked \( -name 'ld-linux-x86-64.so.2' -o -name 'ld-linux-aarch64.so.1' \) -type f -exec cp {} bpftool/loader \; -quit
cat > bpftool/bpftool <<'WRAPPER'
#!/system/bin/sh
here=${0%/*}
exec "$here/loader" --library-path "$here" "$here/program" "$@"
WRAPPER
chmod 755 bpftool/*
rm -rf unpacked
for name in program loader bpftool libelf.so.1 libz.so.1 libcap.so.2 libc.so.6; do test -s "bpftool/$name"; done
