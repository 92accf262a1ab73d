#!/bin/bash
# The source of adbd: Debian's android-platform-tools with Debian's patches and ours.
. "$(dirname "$0")/common.sh"

mkdir "$OUT/tree"
tar xzf "$IN_SOURCES"/android-platform-tools_*.orig.tar.gz -C "$OUT/tree" --strip-components=1 --wildcards \
  '*/system/core' '*/frameworks/native/libs/adbd_auth'
tar xJf "$IN_SOURCES"/android-platform-tools_*.debian.tar.xz -C "$OUT"

cd "$OUT/tree"
grep -E '^(system/core|system/Fix-include|cve)/?' "$OUT/debian/patches/series" | while read -r name; do
  # Patches also touch directories that were not unpacked; those hunks may fail.
  patch -p1 -s -f --no-backup-if-mismatch < "$OUT/debian/patches/$name" || echo "note: $name applied in part"
done
patch -p1 -s < "$here/src/adbd/phone.patch"
cp "$here"/src/adbd/phone_*.h system/core/base/include/
cp "$here/src/adbd/pubkey.cpp" system/core/libcrypto_utils/
rm -rf "$OUT/debian"
find . -name '*.rej' -delete
