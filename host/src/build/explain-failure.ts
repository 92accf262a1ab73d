import type { EntryFacts } from './entry-facts.js';
import { type MergedSymbols, listKnownNames } from './merge-symbols.js';

/** Why a build failed, as far as what make said tells. */
export interface Explanation {
  readonly cause: 'header' | 'compiler' | 'tool' | 'plugin' | 'symbols';
  /** One sentence. */
  readonly reason: string;
  /** Names it is about. */
  readonly names: readonly string[];
  /** What to type next. */
  readonly next: readonly string[];
}

type Rule = (said: string, facts: EntryFacts, symbols: MergedSymbols) => Explanation | undefined;

const rules: readonly Rule[] = [explainTool, explainHeader, explainFlag, explainPlugin, explainSymbols];

/** The first known cause that fits; undefined for a mistake in the module itself, which the compiler explains better. */
export function explainFailure(said: string, facts: EntryFacts, symbols: MergedSymbols): Explanation | undefined {
  for (const rule of rules) {
    const found = rule(said, facts, symbols);
    if (found !== undefined) return found;
  }
  return undefined;
}

function explainHeader(said: string): Explanation | undefined {
  const names = listMatches(said, /fatal error: '?([\w./+-]+\.h)'?(?:: No such file or directory| file not found)/g);
  if (names.length === 0) return undefined;
  return {
    cause: 'header',
    reason: 'A header is not in the archive, which holds include/ and arch/*/include only',
    names,
    next: ['kheaders build DIR -- EXTRA_CFLAGS=-I/path/to/the/kernel/source/folder   (from the very same source)'],
  };
}

function explainFlag(said: string, { config }: EntryFacts): Explanation | undefined {
  const pattern =
    /(?:unrecognized command[- ]line option|unknown argument:?|unsupported option|unsupported argument) ['‘]?([^'’\s]+)/g;
  const names = listMatches(said, pattern);
  if (names.length === 0) return undefined;
  const wanted = config.get('CONFIG_CC_VERSION_TEXT')?.value;
  const reason = `The compiler does not know options that the kernel's own has${wanted ? ` (${wanted})` : ''}`;
  return {
    cause: 'compiler',
    reason,
    names,
    next: ['kheaders build DIR --llvm   (or --cross PREFIX: with a nearer compiler)'],
  };
}

function explainTool(said: string): Explanation | undefined {
  const pattern =
    /(?:^|[\s'"/])((?:tools\/objtool|scripts\/(?:basic|mod|genksyms))\/\w+)['"]?: (?:No such file|not found)/gm;
  const names = listMatches(said, pattern);
  if (names.length === 0) return undefined;
  return {
    cause: 'tool',
    reason: 'A program of Kbuild is not in the tree, because its source was not in the Kbuild files',
    names,
    next: ['kheaders build DIR --kbuild SOURCE   (a whole source of this kernel)'],
  };
}

function explainPlugin(said: string): Explanation | undefined {
  const names = listMatches(said, /cannot (?:load|open) (?:plugin|shared object file)[^\n]*?(\w+_plugin)\.so/g);
  if (names.length === 0) return undefined;
  const reason = 'The kernel was compiled with plugins of gcc, which kheaders does not build';
  return {
    cause: 'plugin',
    reason,
    names,
    next: ['kheaders build DIR -- CONFIG_GCC_PLUGINS=   (if the module can do without them)'],
  };
}

function explainSymbols(said: string, _facts: EntryFacts, symbols: MergedSymbols): Explanation | undefined {
  const names = listMatches(said, /ERROR: modpost: "([\w.$]+)" \[[^\]]*\] undefined!/g);
  return names.length === 0 ? undefined : explainMissing(names, symbols);
}

/** What is to be said of imports without a CRC. */
export function explainMissing(names: readonly string[], symbols: MergedSymbols): Explanation {
  const known = listKnownNames(symbols);
  const exported = names.filter((name) => known.has(name));
  const reason =
    exported.length === names.length
      ? 'The kernel exports these symbols, but their CRCs are not known'
      : `Nothing known says that the kernel exports these symbols, or with which CRC`;
  return {
    cause: 'symbols',
    reason,
    names,
    next: [
      'kheaders build DIR -s SERIAL   (asks the phone for its modules and image)',
      'kheaders build DIR --symvers Module.symvers   (of this very kernel)',
      'kheaders build DIR --allow-missing-crcs   (most kernels will refuse the module)',
    ],
  };
}

function listMatches(text: string, pattern: RegExp): readonly string[] {
  return [...new Set([...text.matchAll(pattern)].map((match) => match[1] ?? ''))].sort();
}
