import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cache, Entry } from '../cache/format.js';
import { resolveCacheRoot } from '../cache/location.js';
import { openCache } from '../cache/store.js';
import { type OperationOptions, makeContext } from '../core/context.js';
import { readEnvironment } from '../core/environment.js';
import { type KdirOptions, makeKdir } from './make-kdir.js';

/** Where the cache is that the entry is in; absent: as everywhere. */
export interface PlaceOptions extends OperationOptions {
  readonly cacheDir?: string | undefined;
}

/** A tree that `make -C` takes, and the record of what it was made from. */
export interface BuildTree {
  readonly path: string;
  /** `kdir.json`; docs/CACHE-FORMAT.md describes it. */
  readonly record: object;
}

/**
 * Makes the build tree of an entry, or finds the one that was made from the same parts. Nothing to dispose: it stays
 * beside the entry until that is removed.
 * Errors: `kbuild-missing`, `kbuild-mismatch`, `build-failed`, `tool-missing`, `usage`, `cache-corrupt`, `disk-full`,
 * `cache-unwritable`, `cancelled`.
 */
export async function kdir(entry: Entry, options: KdirOptions & PlaceOptions = {}): Promise<BuildTree> {
  const { path } = await makeKdir(await findPlace(options), entry, options, makeContext(options));
  return { path, record: JSON.parse(await readFile(join(path, 'kdir.json'), 'utf8')) as object };
}

export async function findPlace({ cacheDir }: PlaceOptions): Promise<Cache> {
  return openCache(resolveCacheRoot({ option: cacheDir, ...readEnvironment() }));
}
