#!/bin/bash
# Makes a private apt state for both architectures and sources, and writes down the versions that today's mirror has.
# INDEX=apt: the release that this machine runs. INDEX=apt-backports: its backports, for kernels with 16 KiB pages.
. "$(dirname "$0")/common.sh"

APT=$OUT
mkdir -p "$APT"/{sources,state/lists/partial,cache/archives/partial}
: > "$APT/status"
. /etc/os-release
shopt -s nullglob
awk -v codename="$VERSION_CODENAME" -v index_name="$INDEX" -f "$here/sources.awk" \
  /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources /etc/apt/*.list > "$APT/sources/debian.sources"
[ -s "$APT/sources/debian.sources" ] || { echo "no Debian $VERSION_CODENAME entry in apt's sources" >&2; exit 1; }
retry private_apt apt-get -o APT::Update::Error-Mode=any update

binary_version() {
  private_apt apt-cache policy "$1" | sed -n 's/^ *Candidate: //p'
}
source_version() {
  private_apt apt-cache showsrc --only-source "$1" | sed -n 's/^Version: //p' | sort -V | tail -1
}
# abi_of FLAVOUR ARCHITECTURE: the dependency of the flavour's own package names the current kernel ABI.
abi_of() {
  private_apt apt-cache depends "linux-image-$1:$2" | sed -n "s/.*Depends: linux-image-\(.*\)-$1\(:.*\)\?\$/\1/p" | head -1
}
case $INDEX in
  apt)
    abi=$(abi_of cloud-amd64 amd64)
    echo "abi $abi"
    echo "linux $(binary_version "linux-image-$abi-cloud-amd64")"
    echo "libssl-dev $(binary_version libssl-dev:arm64)"
    for name in llvm-14 flex bison; do echo "$name $(binary_version "$name")"; done
    for name in toybox mksh android-platform-tools; do echo "$name $(source_version "$name")"; done
    ;;
  apt-backports)
    abi=$(abi_of arm64-16k arm64)
    echo "abi $abi"
    echo "linux $(binary_version "linux-image-$abi-arm64-16k:arm64")"
    ;;
esac > "$APT/versions"
cat "$APT/versions"
if grep -v '^[a-z0-9-]* [^ ]' "$APT/versions"; then exit 1; fi
