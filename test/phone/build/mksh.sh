#!/bin/bash
# mksh, the shell of Android, static and with Android's paths.
. "$(dirname "$0")/common.sh"

mkdir "$OUT/work"
tar xzf "$IN_SOURCES"/mksh_*.orig.tar.gz -C "$OUT/work" --strip-components=1
cd "$OUT/work"
paths='-DMKSHRC_PATH=\"/system/etc/mkshrc\" -DMKSH_DEFAULT_EXECSHELL=\"/system/bin/sh\" -DMKSH_DEFAULT_TMPDIR=\"/data/local/tmp\"'
CC=${cross}gcc CFLAGS='-O1 -w' LDFLAGS=-static CPPFLAGS="-DDEBUG_LEAKS=0 $paths" TARGET_OS=Linux sh Build.sh -r
"${cross}strip" -o "$OUT/sh" mksh
cd "$OUT"
rm -rf work
