import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ExtraName, readExtra } from '../cache/extras.js';
import type { Cache, Entry } from '../cache/format.js';
import type { Context } from '../core/context.js';
import { KhError } from '../core/error.js';
import { decodeGzip } from '../image/gzip.js';
import { type SymbolOptions, collectSymbols } from './collect-symbols.js';
import { type KernelConfig, isBuiltIn, parseAutoconfHeader, parseDotConfig } from './kernel-config.js';
import type { KernelFacts } from './kernel-facts.js';
import { parsePhoneRecord } from './phone-record.js';

/** A kernel's configuration has a quarter of a megabyte. */
const maxConfigBytes = 16 * 1024 * 1024;

/** All the cache knows of an entry's kernel. Errors: `cache-corrupt`, `cache-unwritable`. */
export async function readKernelFacts(
  cache: Cache,
  entry: Entry,
  options: SymbolOptions,
  ctx: Context,
): Promise<KernelFacts> {
  const record = await readText(cache, entry, 'phone.json');
  const config = await readConfig(cache, entry);
  return {
    release: entry.release,
    machine: entry.manifest.machine ?? machineOf(config),
    config,
    tables: await collectSymbols(cache, entry, options, ctx),
    form: record === undefined ? undefined : parsePhoneRecord(record).form,
  };
}

/** /proc/config.gz where it was readable, else what the headers say, which is the same but for a few strings. */
async function readConfig(cache: Cache, entry: Entry): Promise<KernelConfig> {
  const packed = await readExtra(cache, entry, 'config.gz');
  if (packed !== undefined) {
    return parseDotConfig(new TextDecoder().decode(await decodeGzip(packed, maxConfigBytes)));
  }
  const path = join(entry.headers, 'include/generated/autoconf.h');
  return parseAutoconfHeader(
    await readFile(path, 'utf8').catch((error: unknown) => {
      throw new KhError('cache-corrupt', 'The headers have no configuration', { path, reason: 'autoconf.h' }, error);
    }),
  );
}

async function readText(cache: Cache, entry: Entry, name: ExtraName): Promise<string | undefined> {
  return (await readExtra(cache, entry, name))?.toString('utf8');
}

const machines: readonly (readonly [option: string, machine: string])[] = [
  ['CONFIG_X86_64', 'x86_64'],
  ['CONFIG_ARM64', 'aarch64'],
  ['CONFIG_ARM', 'armv7l'],
  ['CONFIG_64BIT', 'riscv64'],
];

/** What `uname -m` would say, for headers that came from no phone. */
function machineOf(config: KernelConfig): string {
  return machines.find(([option]) => isBuiltIn(config, option))?.[1] ?? 'unknown';
}
