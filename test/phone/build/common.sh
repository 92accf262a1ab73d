# shellcheck shell=bash
# Sourced by every step. A step reads ARCH (x86_64 | arm64), LAYOUT, OUT (an empty directory to fill), APT (the private
# apt state), JOBS and, for each step it builds on, the variable IN_<STEP>.
set -euo pipefail
umask 022

case ${ARCH:-x86_64} in
  x86_64) debian_arch=amd64 kernel_arch=x86 cross='' triplet=x86_64-linux-gnu ;;
  arm64) debian_arch=arm64 kernel_arch=arm64 cross=aarch64-linux-gnu- triplet=aarch64-linux-gnu ;;
  *) echo "unknown architecture: $ARCH" >&2 && exit 2 ;;
esac
export debian_arch kernel_arch cross triplet
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export here

# Mirrors answer badly now and then; a build must not fail for that.
retry() {
  local attempt
  for attempt in 1 2 3 4; do
    "$@" && return 0
    echo "attempt $attempt failed: $*" >&2
    sleep $((attempt * 2))
  done
  return 1
}

# The value of one line "name value" in the index of versions.
version_of() {
  sed -n "s/^$1 //p" "$APT/versions" | grep .
}

# Runs an apt tool on the private state, so that the machine's own lists and sources stay as they are.
private_apt() {
  local tool=$1
  shift
  "$tool" -q \
    -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$APT/sources" \
    -o Dir::State="$APT/state" -o Dir::State::status="$APT/status" -o Dir::Cache="$APT/cache" \
    -o APT::Architecture=amd64 -o APT::Architectures=amd64,arm64 \
    -o APT::Sandbox::User=root -o Acquire::Retries=3 -o Acquire::Languages=none "$@"
}
