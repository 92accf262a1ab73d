import type { ErrorDetails } from '../core/error.js';
import { printable } from '../core/printable.js';

/** Which package of Debian has a program that builds take. */
const packages: readonly (readonly [program: RegExp, name: string])[] = [
  [/^aarch64-linux-gnu-gcc(?:-\d+)?$/, 'gcc-aarch64-linux-gnu'],
  [/^(?:[\w.-]*-)?gcc(?:-\d+)?$/, 'gcc'],
  [/^clang(?:-\d+)?$/, 'clang lld llvm'],
  [/^make$/, 'make'],
  [/^xz$/, 'xz-utils'],
];

/** What to do where a program is missing that builds a module; undefined where it is another program. */
export function adviseBuildTool({
  path = '',
  expected,
  choices = [],
}: ErrorDetails): { readonly why: readonly string[]; readonly next: readonly string[] } | undefined {
  const name = packages.find(([program]) => program.test(path))?.[1];
  if (name === undefined) return undefined;
  const built = expected === undefined ? [] : [`The kernel was built with ${printable(expected)}.`];
  const there = choices.length === 0 ? [] : [`Installed: ${choices.map((choice) => printable(choice)).join(', ')}`];
  return { why: [...built, ...there], next: [`apt install ${name}`] };
}
