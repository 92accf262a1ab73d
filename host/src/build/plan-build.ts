import type { Invocation } from './invocation.js';
import type { Kdir } from './make-kdir.js';

export interface PlanOptions {
  /** Arguments for make, behind our own. */
  readonly makeArgs?: readonly string[] | undefined;
  /** Go on where a symbol's CRC is not known. */
  readonly allowMissingCrcs?: boolean | undefined;
}

/**
 * How make is called for a module's folder: as `make -C KDIR M=DIR modules`, with the variables set that the tree would
 * set by itself, so that what is in the caller's environment does not matter. Targets among the arguments take the
 * place of `modules`.
 */
export function planBuild({ path, inputs }: Kdir, folder: string, options: PlanOptions = {}): Invocation {
  const { makeArgs = [], allowMissingCrcs = false } = options;
  const { crossCompile, llvm } = inputs.toolchain;
  const targets = makeArgs.filter((arg) => /^[\w%./-]+$/.test(arg) && !arg.startsWith('-') && !/^\d+$/.test(arg));
  return {
    file: 'make',
    args: [
      '-C',
      path,
      `M=${folder}`,
      ...(allowMissingCrcs ? ['KBUILD_MODPOST_WARN=1'] : []),
      ...makeArgs,
      ...(targets.length === 0 ? ['modules'] : []),
    ],
    cwd: folder,
    env: {
      ARCH: inputs.facts.makeArch,
      CROSS_COMPILE: crossCompile === '' ? undefined : crossCompile,
      LLVM: llvm,
      // What explains a failure is looked for in English.
      LC_ALL: 'C',
    },
  };
}

/**
 * The modules that `modules.order` in a module's folder lists, as paths: absolute or counted from the folder; with `.o`
 * for `.ko` since Linux 6.1 (f65a486821cf), and behind `kernel/` before 5.4.
 */
export function parseModulesOrder(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim().replace(/^kernel\/(?=\/)/, ''))
    .filter((line) => /\.k?o$/.test(line))
    .map((line) => line.replace(/\.k?o$/, '.ko'));
}
