#!/bin/bash
# Takes packages from Debian's mirror, checked by apt with Debian's keys, with lists of its own: the machine's lists,
# sources and installed packages stay as they are.
#   apt.sh index STATE ARCHITECTURE…     reads the lists for these architectures, the first of which is the machine's
#   apt.sh source STATE OUT PACKAGE      downloads the upstream archive of a source package
#   apt.sh download STATE OUT PACKAGE…   downloads binary packages
#   apt.sh pinned STATE OUT PATH SHA256  downloads a file of the mirror's pool, for which no list is needed
set -euo pipefail
umask 022

command=$1 state=$2
shift 2

private_apt() {
  local architectures=()
  mapfile -t architectures <"$state/architectures"
  apt-get -q \
    -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$state/sources" -o Dir::Etc::preferencesparts=/dev/null \
    -o Dir::State="$state/state" -o Dir::State::status="$state/status" \
    -o Dir::Cache="$state/cache" -o Dir::Cache::pkgcache=pkgcache.bin -o Dir::Cache::srcpkgcache="" \
    -o APT::Architecture="${architectures[0]}" -o APT::Architectures="$(IFS=, && echo "${architectures[*]}")" \
    -o APT::Sandbox::User=root -o Acquire::Retries=3 -o Acquire::Languages=none "$@"
}

# The engine and musl are trixie's, everywhere the same. The compilers are bookworm's, which run there and on trixie.
write_sources() {
  local keys='signed-by=/usr/share/keyrings/debian-archive-keyring.gpg'
  cat >"$state/sources/debian.list" <<S
deb-src [$keys] $1 trixie main
deb [$keys arch=$(paste -sd, "$state/architectures")] $1 trixie main
deb [$keys arch=$(head -1 "$state/architectures")] $1 bookworm main
S
}

# The mirrors that the machine uses for its own Debian. Other vendors name their suites so too; these lack the keys.
mirrors() {
  # shellcheck source=/dev/null
  . /etc/os-release
  # shellcheck disable=SC2016 # apt's variables
  apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Identifier: Packages' |
    awk -v codename="$VERSION_CODENAME" '$1 == codename && $2 == "main" && !seen[$3]++ { print $3 }'
}

case $command in
  index)
    mkdir -p "$state"/{sources,state/lists/partial,cache/archives/partial}
    : >"$state/status"
    printf '%s\n' "$@" >"$state/architectures"
    for mirror in $(mirrors); do
      write_sources "$mirror"
      private_apt -o APT::Update::Error-Mode=any update && exit 0
    done
    echo 'no Debian mirror among the sources of apt answered' >&2
    exit 1
    ;;
  source)
    cd "$1"
    private_apt source --download-only --tar-only "$2"
    ;;
  download)
    cd "$1"
    private_apt download "${@:2}"
    ;;
  pinned)
    for mirror in $(mirrors); do
      /usr/lib/apt/apt-helper -q -o APT::Sandbox::User=root -o Acquire::Retries=3 \
        download-file "${mirror%/}/$2" "$1/${2##*/}" "SHA256:$3" && exit 0
    done
    exit 1
    ;;
  *)
    echo "unknown command: $command" >&2
    exit 2
    ;;
esac
