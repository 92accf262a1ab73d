import { KhError } from '../core/error.js';
import { type KernelConfig, findText, isBuiltIn } from './kernel-config.js';

/** A compiler on this machine. */
export interface Compiler {
  readonly family: 'gcc' | 'clang';
  /** As it is called: `aarch64-linux-gnu-gcc-12`, `clang-14`. */
  readonly name: string;
  /** What stands before `gcc` in its name; empty for clang, which compiles for every architecture. */
  readonly prefix: string;
  /** What stands behind: `-12`, or nothing. */
  readonly suffix: string;
  /** The first line of `--version`. */
  readonly text: string;
  /** As CONFIG_GCC_VERSION and CONFIG_CLANG_VERSION have it: 12.2.0 is 120200. */
  readonly version: number;
  /** clang: ld.lld of the same suffix is there. */
  readonly hasLld: boolean;
}

/** The compiler of a build, and how make is told. */
export interface Toolchain {
  readonly compiler: Compiler;
  /** What CROSS_COMPILE has to be; empty: nothing. */
  readonly crossCompile: string;
  /** What LLVM has to be (`1`, `-14`); undefined: not set. */
  readonly llvm: string | undefined;
  /** What CC has to be, where the Makefile would take another one. */
  readonly cc: string | undefined;
  /** The very compiler the kernel was built with. */
  readonly exact: boolean;
  /** The kernel's own compiler, as its configuration names it; undefined where it does not. */
  readonly wanted: string | undefined;
}

export interface ToolchainOptions {
  /** Take clang. */
  readonly llvm?: boolean | undefined;
  /** Take gcc with this prefix: `aarch64-linux-gnu-`. */
  readonly cross?: string | undefined;
}

/**
 * The installed compiler nearest to the one the kernel was built with (CONFIG_CC_VERSION_TEXT, CONFIG_CC_IS_CLANG,
 * CONFIG_CLANG_VERSION, CONFIG_GCC_VERSION): of the same family, then of the nearest version, the newer one of two.
 * Errors: `tool-missing` with the compilers there are as choices.
 */
export function chooseToolchain(
  config: KernelConfig,
  installed: readonly Compiler[],
  options: ToolchainOptions = {},
): Toolchain {
  const wanted = readWanted(config);
  const family = options.llvm === true ? 'clang' : options.cross === undefined ? wanted.family : 'gcc';
  const fits = ({ prefix, family }: Compiler): boolean =>
    options.cross === undefined || family === 'clang' || prefix === options.cross;
  const same = installed.filter((compiler) => compiler.family === family && fits(compiler));
  const isForced = options.llvm === true || options.cross !== undefined;
  const [best] = (same.length > 0 || isForced ? same : installed).toSorted(byDistance(wanted));
  if (best === undefined) throw noCompiler(wanted.text ?? family, options, installed);
  return { ...describeCalls(best, installed), exact: isExact(best, wanted), wanted: wanted.text };
}

interface Wanted {
  readonly family: 'gcc' | 'clang';
  readonly version: number;
  readonly text: string | undefined;
}

function readWanted(config: KernelConfig): Wanted {
  const family = isBuiltIn(config, 'CONFIG_CC_IS_CLANG') ? 'clang' : 'gcc';
  const version = config.get(family === 'clang' ? 'CONFIG_CLANG_VERSION' : 'CONFIG_GCC_VERSION');
  const text = findText(config, 'CONFIG_CC_VERSION_TEXT');
  return { family, version: Number(version?.value ?? 0), text };
}

/** The very name first: make compares the whole text, the name at its begin included, and warns where it differs. */
function byDistance({ version, text }: Wanted) {
  const distance = (compiler: Compiler): number => (compiler.text === text ? -1 : Math.abs(compiler.version - version));
  return (a: Compiler, b: Compiler): number =>
    distance(a) - distance(b) || b.version - a.version || a.name.length - b.name.length;
}

function isExact(compiler: Compiler, wanted: Wanted): boolean {
  if (compiler.text === wanted.text) return true;
  // A cross compiler and a native one of one package differ in the name they begin with.
  const rest = (text: string): string => text.replace(/^\S+/, '');
  return compiler.version === wanted.version && wanted.text !== undefined && rest(compiler.text) === rest(wanted.text);
}

function describeCalls(compiler: Compiler, installed: readonly Compiler[]) {
  if (compiler.family === 'gcc') {
    const { prefix, suffix, name } = compiler;
    return { compiler, crossCompile: prefix, llvm: undefined, cc: suffix === '' ? undefined : name };
  }
  if (compiler.hasLld)
    return { compiler, crossCompile: '', llvm: compiler.suffix === '' ? '1' : compiler.suffix, cc: undefined };
  const binutils = installed.find(({ family }) => family === 'gcc')?.prefix ?? '';
  return { compiler, crossCompile: binutils, llvm: undefined, cc: compiler.name };
}

function noCompiler(wanted: string, { llvm, cross }: ToolchainOptions, installed: readonly Compiler[]): KhError {
  const asked = llvm === true ? 'clang' : `${cross ?? ''}gcc`;
  return new KhError('tool-missing', `No compiler for this kernel is installed (${asked})`, {
    path: asked,
    expected: wanted,
    choices: installed.map(({ name }) => name),
  });
}
