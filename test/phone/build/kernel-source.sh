#!/bin/bash
# What building modules takes of the kernel's source, from Debian's tarball: Makefiles, scripts/, and objtool's sources.
. "$(dirname "$0")/common.sh"

source=linux-source-6.1
parts=(Makefile Kbuild 'scripts/*' 'arch/x86/Makefile*' 'arch/arm64/Makefile*' 'tools/objtool/*' 'tools/lib/*.[ch]'
  'tools/lib/subcmd/*' 'tools/include/*' 'tools/arch/*' 'tools/build/*' 'tools/scripts/*')
tar xJf "/usr/src/$source.tar.xz" -C "$OUT" --strip-components=1 --wildcards "${parts[@]/#/$source/}"
