import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { readExtra } from '../cache/extras.js';
import type { Cache, Entry } from '../cache/format.js';
import { KhError } from '../core/error.js';
import type { EntryFacts } from './entry-facts.js';
import {
  type KernelConfig,
  findConfigDifferences,
  formatAutoConf,
  listUnsafeTexts,
  parseDotConfig,
} from './kernel-config.js';
import { isAtLeast } from './kernel-version.js';

/** The auto.conf of a build tree, and what is to be known of it. */
export interface AutoConf {
  readonly text: string;
  readonly source: 'config.gz' | 'autoconf.h';
  /** Options that `config.gz` and `autoconf.h` do not agree about. */
  readonly differing: readonly string[];
  /** Options that were left out, see listUnsafeTexts(). */
  readonly leftOut: readonly string[];
}

/** A .config has 300 KB. */
const maxOutputLength = 16 * 1024 * 1024;

/** From the kernel's own /proc/config.gz where that was read from the phone, else from its headers. Errors: `cache-corrupt`. */
export async function collectConfig(cache: Cache, entry: Entry, facts: EntryFacts): Promise<AutoConf> {
  const packed = await readExtra(cache, entry, 'config.gz');
  const config = packed === undefined ? undefined : await unpack(packed);
  const used = config ?? facts.config;
  return {
    text: formatAutoConf(used, { quoted: !isAtLeast(facts.version, 5, 18) }),
    source: config === undefined ? 'autoconf.h' : 'config.gz',
    differing: config === undefined ? [] : findConfigDifferences(config, facts.config),
    leftOut: listUnsafeTexts(used),
  };
}

async function unpack(packed: Buffer): Promise<KernelConfig> {
  try {
    return parseDotConfig((await promisify(gunzip)(packed, { maxOutputLength })).toString('utf8'));
  } catch (error) {
    throw new KhError('cache-corrupt', 'The configuration beside the entry is damaged', { reason: 'config.gz' }, error);
  }
}
