import type { Toolchain } from './choose-toolchain.js';

/**
 * The Makefile at the top of a build tree: sets what `make -C` needs and nobody gave, then goes on with the kernel's own
 * Makefile, which is beside it, unchanged. ARCH, CROSS_COMPILE and LLVM yield to the environment and the command line as
 * always; CC is only set where the compiler's name has a version in it, and yields to the command line and to another
 * CROSS_COMPILE or LLVM.
 */
export function formatKdirMakefile(makeArch: string, { crossCompile, llvm, cc }: Toolchain): string {
  const lines = [
    '# Written by kheaders. The kernel’s own Makefile is Makefile.kernel, unchanged.',
    `ARCH ?= ${makeArch}`,
    ...(crossCompile === '' ? [] : [`CROSS_COMPILE ?= ${crossCompile}`]),
    ...(llvm === undefined ? [] : [`LLVM ?= ${llvm}`]),
    ...(cc === undefined
      ? []
      : [
          `ifeq ($(CROSS_COMPILE)/$(LLVM),${crossCompile}/)`,
          'ifneq ($(origin CC),command line)',
          `override CC := ${cc}`,
          'endif',
          'endif',
        ]),
    'include $(dir $(lastword $(MAKEFILE_LIST)))Makefile.kernel',
  ];
  return `${lines.join('\n')}\n`;
}
