import { join } from 'node:path';
import type { Toolchain } from './choose-toolchain.js';
import type { EntryFacts } from './entry-facts.js';
import { listHeaderFolders } from './header-flags.js';

const triples: Readonly<Record<string, string>> = {
  arm64: 'aarch64-linux-gnu',
  arm: 'arm-linux-gnueabi',
  x86_64: 'x86_64-linux-gnu',
  i386: 'i386-linux-gnu',
  riscv: 'riscv64-linux-gnu',
};

/** The compiler for the phone's architecture, as it is called, and the arguments it needs for that. */
export function callCompiler({ compiler }: Toolchain, { makeArch }: EntryFacts): readonly [string, ...string[]] {
  const triple = triples[makeArch];
  if (compiler.family === 'clang' && triple !== undefined) return [compiler.name, `--target=${triple}`];
  return [compiler.name, ...(makeArch === 'i386' ? ['-m32'] : [])];
}

/** What the kernel's own files are preprocessed with, headers taken from `headers` alone. */
export function listKernelFlags(headers: string, facts: EntryFacts): readonly string[] {
  const folders = listHeaderFolders(facts.srcArch).map((folder) => `-I${join(headers, folder)}`);
  return ['-nostdinc', ...folders, '-include', join(headers, 'include/linux/kconfig.h'), '-D__KERNEL__'];
}
