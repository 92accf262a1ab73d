#!/bin/bash
# Some of the kernel's own modules, as a phone has them below /vendor: in one folder, uncompressed, modules.dep with
# absolute names.
. "$(dirname "$0")/common.sh"

# Without dependencies, with one, with several, and with one that others share.
wanted=(dummy veth macvlan ifb tun loop brd null_blk zram lz4 8021q tcp_bbr iptable_filter xt_tcpudp ipip nls_utf8 \
  nls_iso8859-1 evdev vfat autofs4 binfmt_misc ramoops)
release=$(cat "$IN_PACKAGES/release")
tree=$IN_PACKAGES/lib/modules/$release

depmod -n -b "$IN_PACKAGES" "$release" | grep -E '^kernel/[^ ]*\.ko(\.xz)?:' > "$OUT/all"
for name in "${wanted[@]}"; do
  grep -E "^[^ ]*/$name\.ko(\.xz)?:" "$OUT/all" || grep -qx "kernel/.*/$name\.ko" "$tree/modules.builtin"
done | tr -d : | tr ' ' '\n' | sort -u > "$OUT/chosen"

flat=$OUT/tree/lib/modules/$release
mkdir -p "$flat" "$OUT/modules"
while read -r path; do
  name=$(basename "$path")
  case $name in
    *.xz) xz -dc "$tree/$path" > "$flat/${name%.xz}" ;;
    *) cp "$tree/$path" "$flat/" ;;
  esac
done < "$OUT/chosen"
touch "$flat"/modules.{order,builtin,builtin.modinfo}
depmod -b "$OUT/tree" "$release"
mv "$flat"/*.ko "$flat"/modules.{alias,softdep} "$OUT/modules/"
sed -E 's,(^| )([^ ]),\1/vendor/lib/modules/\2,g' "$flat/modules.dep" > "$OUT/modules/modules.dep"
chmod 644 "$OUT"/modules/*
rm -rf "$OUT/tree" "$OUT/all" "$OUT/chosen"
