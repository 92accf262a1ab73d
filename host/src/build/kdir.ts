import type { Cache, Entry } from '../cache/format.js';
import { resolveCacheRoot } from '../cache/location.js';
import { openCache } from '../cache/store.js';
import { type OperationOptions, makeContext } from '../core/context.js';
import { readEnvironment } from '../core/environment.js';
import { type Kdir, type KdirOptions, makeKdir } from './make-kdir.js';

/** Where the cache is that the entry is in; absent: as everywhere. */
export interface PlaceOptions extends OperationOptions {
  readonly cacheDir?: string | undefined;
}

/**
 * Makes the build tree of an entry, or finds the one that was made from the same parts. Nothing to dispose: it stays
 * beside the entry until that is removed.
 * Errors: `kbuild-missing`, `kbuild-mismatch`, `build-failed`, `tool-missing`, `usage`, `cache-corrupt`, `disk-full`,
 * `cache-unwritable`, `cancelled`.
 */
export async function kdir(entry: Entry, options: KdirOptions & PlaceOptions = {}): Promise<Kdir> {
  return makeKdir(await findPlace(options), entry, options, makeContext(options));
}

export async function findPlace({ cacheDir }: PlaceOptions): Promise<Cache> {
  return openCache(resolveCacheRoot({ option: cacheDir, ...readEnvironment() }));
}
