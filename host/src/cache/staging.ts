import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { throwIfAborted, type Context } from '../core/context.js';
import { quietly } from '../core/disposal.js';
import { errnoOf } from '../core/error.js';
import { inCache } from './errors.js';
import { removeTree, temporaryPath } from './files.js';
import { cacheTag, names, type Cache } from './format.js';
import { sweepTemporary } from './sweep.js';

/** A private directory in which an entry grows. Publishing moves it away; disposing deletes what is left of it. */
export interface Staging extends AsyncDisposable {
  readonly cache: Cache;
  readonly path: string;
  /** Exists and is empty: extract into it. */
  readonly headersDir: string;
  /** Does not exist yet: see writeArchive(). */
  readonly archivePath: string;
}

/**
 * Creates the cache if need be and a staging directory (0700) in its tmp/, and sweeps up what dead runs left there.
 * Throws `cache-unwritable`, `disk-full`. The caller disposes it, published or not; the disposer does not throw.
 */
export async function openStaging(cache: Cache, ctx: Context): Promise<Staging> {
  await createCache(cache);
  await sweepTemporary(cache, ctx);
  throwIfAborted(ctx);
  const path = temporaryPath(cache);
  const headersDir = join(path, names.headers);
  await inCache(cache.path, async () => {
    mkdirSync(path, { mode: 0o700 });
    mkdirSync(headersDir);
  });
  return {
    cache,
    path,
    headersDir,
    archivePath: join(path, names.archive),
    [Symbol.asyncDispose]: () => quietly(ctx, 'remove a staging directory', () => removeTree(path)),
  };
}

/**
 * Creates the directories of the cache, private to the user (0700). Throws `cache-unwritable`, `disk-full`. Synchronous, as
 * staging is: the phone waits for us then, and a thread's turn for each of ten calls takes ten times as long as they do.
 */
export async function createCache(cache: Cache): Promise<void> {
  await inCache(cache.path, async () => {
    for (const path of [cache.root, cache.path, cache.kernels, cache.identities, cache.tmp]) {
      mkdirSync(path, { recursive: true, mode: 0o700 });
    }
    const tag = join(cache.path, 'CACHEDIR.TAG');
    if (!existsSync(tag)) writeTag(tag);
  });
}

function writeTag(path: string): void {
  try {
    writeFileSync(path, cacheTag, { flag: 'wx' });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}

/**
 * Spools an archive into staging and hashes it on the way. Errors of the source pass unchanged; ours are `disk-full` and
 * `cache-unwritable`. Throws `cancelled` between chunks.
 */
export async function writeArchive(
  staging: Staging,
  source: AsyncIterable<Uint8Array>,
  ctx: Context,
): Promise<{ readonly sha256: string; readonly bytes: number }> {
  const inStaging = <T>(work: () => Promise<T>) => inCache(staging.cache.path, work);
  await using file = await inStaging(() => open(staging.archivePath, 'wx'));
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of source) {
    throwIfAborted(ctx);
    hash.update(chunk);
    bytes += chunk.byteLength;
    await inStaging(async () => writeChunk(file.fd, chunk));
  }
  return { sha256: hash.digest('hex'), bytes };
}

/** Synchronous: a chunk goes to the system's cache in less time than a thread takes to hear of it. */
function writeChunk(descriptor: number, chunk: Uint8Array): void {
  for (let at = 0; at < chunk.length;) at += writeSync(descriptor, chunk, at);
}
