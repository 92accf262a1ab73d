#!/bin/bash
# Downloads the source archives of adbd, toybox and mksh.
. "$(dirname "$0")/common.sh"

cd "$OUT"
for name in toybox mksh android-platform-tools; do
  # Only the archives are needed: toybox and mksh are built as upstream wrote them.
  retry private_apt apt-get source --download-only --tar-only "$name=$(version_of "$name")"
done
retry private_apt apt-get source --download-only --diff-only "android-platform-tools=$(version_of android-platform-tools)"
