import type { Cache } from '../cache/format.js';
import { resolveCacheRoot } from '../cache/location.js';
import { openCache } from '../cache/store.js';
import { readEnvironment } from '../core/environment.js';
import type { CacheOptions } from './options.js';

/** Errors: `cache-unwritable` for a place others can write to. */
export async function findCache(options: CacheOptions): Promise<Cache> {
  return openCache(resolveCacheRoot({ option: options.cacheDir, ...readEnvironment() }));
}
