#!/bin/bash
# Static toybox with the commands an Android phone has. Debian's own package lacks modprobe, dd, tr and others.
. "$(dirname "$0")/common.sh"

mkdir "$OUT/work"
tar xJf "$IN_SOURCES"/toybox_*.orig.tar.xz -C "$OUT/work" --strip-components=1
cd "$OUT/work"

wanted=(MODPROBE DD DIFF EXPR GETFATTR GETOPT GZIP HEXDUMP FOLD IP KLOGD LSOF MORE ROUTE STTY TELNET TR TRACEROUTE VI)
# The shell is mksh, su is ours, and there are no accounts to log in to.
unwanted=(SH LOGIN MKPASSWD PASSWD SU)
make -s defconfig
for name in "${wanted[@]}"; do sed -i "s/^# CONFIG_$name is not set/CONFIG_$name=y/" .config; done
for name in "${unwanted[@]}"; do sed -i "s/^CONFIG_$name=y/# CONFIG_$name is not set/" .config; done
(set +o pipefail; yes '' | make -s oldconfig)

CROSS_COMPILE=$cross CC=gcc CFLAGS='-O1 -w' LDFLAGS=-static make -s toybox
cp toybox "$OUT/toybox"
emulator=()
[ -z "$cross" ] || emulator=(qemu-aarch64-static)
"${emulator[@]}" ./toybox | tr ' ' '\n' | grep . > "$OUT/commands"
cd "$OUT"
rm -rf work
