import { join } from 'node:path';
import type { BpfTarget } from './bpf-target.js';

export type FlagKind = 'bpf' | 'module';

/** Whose headers the flags are for. */
export interface FlagSubject {
  /** Absolute. */
  readonly headers: string;
  readonly srcArch: string;
  readonly target: BpfTarget;
  /** Headers that stand before all others, as far as this kernel has them: see forcedHeaders. */
  readonly forced: readonly string[];
}

/** In this order; linux/compiler-version.h is there since 5.13 (Makefile: LINUXINCLUDE and USERINCLUDE; scripts/Makefile.lib: c_flags). */
export const forcedHeaders = [
  'include/linux/compiler-version.h',
  'include/linux/kconfig.h',
  'include/linux/compiler_types.h',
] as const;

/** What headers provoke in clang that is no business of who includes them; as samples/bpf/Makefile has it. */
const quiet = [
  'unused-value',
  'pointer-sign',
  'compare-distinct-pointer-types',
  'gnu-variable-sized-type-not-at-end',
  'address-of-packed-member',
  'tautological-compare',
  'unknown-warning-option',
].map((name) => `-Wno-${name}`);

/**
 * clang's arguments for compiling against a kernel's headers. `bpf`: the first of two steps, to LLVM's bitcode. With
 * --target=bpf clang refuses the inline assembly of headers that include it, used or not; with the kernel's own target it
 * takes it, drops what is not used, and the second step (`clang --target=bpf -x ir`) makes BPF of the rest. `module`: what
 * an editor or a checker needs; modules are built by Kbuild alone.
 */
export function listHeaderFlags(kind: FlagKind, { headers, srcArch, target, forced }: FlagSubject): readonly string[] {
  const folder = kind === 'bpf' ? '-isystem' : '-I';
  const common = [
    `--target=${target.triple}`,
    '-nostdlibinc',
    ...listHeaderFolders(srcArch).map((path) => folder + join(headers, path)),
    ...forced.flatMap((path) => ['-include', join(headers, path)]),
    '-D__KERNEL__',
    ...target.defines.map((text) => `-D${text}`),
    // A string without quotes: words of the line are not to be quoted.
    '-DKBUILD_MODNAME=__FILE__',
  ];
  return [...common, ...(kind === 'bpf' ? listBpfFlags(target) : moduleFlags), ...quiet];
}

/** The folders kernel code is compiled with, in the order of LINUXINCLUDE (the kernel's Makefile). */
export function listHeaderFolders(srcArch: string): readonly string[] {
  return [
    `arch/${srcArch}/include`,
    `arch/${srcArch}/include/generated`,
    'include',
    `arch/${srcArch}/include/uapi`,
    `arch/${srcArch}/include/generated/uapi`,
    'include/uapi',
    'include/generated/uapi',
  ];
}

function listBpfFlags({ tracing }: BpfTarget): readonly string[] {
  // Without -O2 the BPF verifier refuses most programs; -g becomes the object's BTF.
  return ['-D__BPF_TRACING__', `-D__TARGET_ARCH_${tracing}`, '-O2', '-g', '-fno-stack-protector', '-emit-llvm'];
}

const moduleFlags = [
  '-DMODULE',
  '-std=gnu11',
  '-fshort-wchar',
  '-fno-strict-aliasing',
  '-fno-common',
  '-ffreestanding',
];

/** The flags as a file for `clang @FILE`, one a line, quoted as clang's GNU tokenizer reads them. */
export function formatResponseFile(flags: readonly string[]): string {
  return flags.map((flag) => `${/^[\w./:=@%+,-]+$/.test(flag) ? flag : quoted(flag)}\n`).join('');
}

function quoted(flag: string): string {
  return `"${flag.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** True where the flags survive as words of an unquoted `$(…)`, which splits at blanks and expands `*`, `?`, `[`. */
export function isPlainLine(flags: readonly string[]): boolean {
  return flags.every((flag) => !/[\s*?[\]]/.test(flag));
}
