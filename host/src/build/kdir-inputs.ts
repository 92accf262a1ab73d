import type { Entry } from '../cache/format.js';
import type { Toolchain } from './choose-toolchain.js';
import type { AutoConf } from './collect-config.js';
import type { EntryFacts } from './entry-facts.js';
import type { KbuildSource } from './kbuild-source.js';
import type { MergedSymbols } from './merge-symbols.js';

/** All a build tree is made from. */
export interface KdirInputs {
  readonly entry: Entry;
  readonly facts: EntryFacts;
  readonly source: KbuildSource;
  readonly autoConf: AutoConf;
  readonly symbols: MergedSymbols;
  readonly symvers: MergedSymbols['lines'] | undefined;
  readonly toolchain: Toolchain;
}
