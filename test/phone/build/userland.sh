#!/bin/bash
# init, getprop, setprop, reboot and su: one static program.
. "$(dirname "$0")/common.sh"

"${cross}gcc" -O1 -Wall -Wextra -Werror -static -s -o "$OUT/phone" "$here"/src/phone/*.c
