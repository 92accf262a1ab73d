import { exportEntry } from '../cache/bundle.js';
import { readPieces } from '../cache/files.js';
import type { Cache, DamagedEntry, Entry } from '../cache/format.js';
import { type PruneRules, type Removal, prune } from '../cache/prune.js';
import { removeEntry } from '../cache/remove.js';
import { repairEntry } from '../cache/repair.js';
import { listEntries, resolveEntry } from '../cache/store.js';
import { type Usage, readUsage } from '../cache/usage.js';
import { type Problem, verifyEntry } from '../cache/verify.js';
import { type OperationOptions, makeContext } from '../core/context.js';
import { findCache } from './find-cache.js';
import { type CacheOptions } from './options.js';

/** The cache as users of the library see it: entries by name, and what can be done with them. Nothing to dispose. */
export interface KernelCache {
  /** Absolute path of the root. */
  readonly root: string;
  /** All entries, healthy or damaged, sorted by release. */
  list(): Promise<readonly (Entry | DamagedEntry)[]>;
  /** The entry named `RELEASE` or `RELEASE@DIGEST`. Errors: `not-cached`, `usage`, `cache-corrupt`. */
  resolve(name: string): Promise<Entry>;
  /** What differs from what was published; empty if nothing does. Errors: `cancelled`. */
  verify(entry: Entry, options?: OperationOptions): Promise<readonly Problem[]>;
  /** Extracts the entry's own archive again and swaps it in. Errors: `cache-corrupt` if the archive is damaged too. */
  repair(entry: Entry, options?: OperationOptions): Promise<Entry>;
  remove(entry: Entry | DamagedEntry, options?: OperationOptions): Promise<void>;
  prune(
    rules: PruneRules & { readonly dryRun?: boolean | undefined },
    options?: OperationOptions,
  ): Promise<readonly Removal[]>;
  usage(options?: OperationOptions): Promise<Usage>;
  /** Imports a kheaders.tar.xz, or a bundle written by export(). Errors: see importFile(). */
  import(file: string, options?: OperationOptions): Promise<Entry>;
  /** Writes one entry, with its manifest, as one file. Errors: `cache-corrupt`, `disk-full`, `cache-unwritable`. */
  export(entry: Entry, file: string, options?: OperationOptions): Promise<void>;
}

/** Opens the cache; creates nothing. Errors: `cache-unwritable` where others could have written to it. */
export async function openCache(options: CacheOptions = {}): Promise<KernelCache> {
  return makeKernelCache(await findCache(options));
}

function makeKernelCache(cache: Cache): KernelCache {
  return {
    root: cache.root,
    list: () => listEntries(cache),
    resolve: (name) => resolveEntry(cache, name),
    verify: async (entry, options) => {
      const ctx = makeContext(options);
      const { walkFile } = await import('./receive.js');
      return verifyEntry(entry, (archive, visitor) => walkFile(archive, visitor, ctx), ctx);
    },
    repair: async (entry, options) => {
      const ctx = makeContext(options);
      const { extractInto } = await import('./receive.js');
      const extract = (archive: string, target: string) => extractInto(target, readPieces(archive), ctx);
      return repairEntry(cache, entry, extract, ctx);
    },
    remove: (entry, options) => removeEntry(cache, entry, makeContext(options)),
    prune: (rules, options) => prune(cache, rules, makeContext(options)),
    usage: (options) => readUsage(cache, makeContext(options)),
    import: async (file, options) => {
      const { importFile } = await import('./import-file.js');
      return importFile(cache, file, makeContext(options));
    },
    export: (entry, file, options) => exportEntry(entry, file, makeContext(options)),
  };
}
