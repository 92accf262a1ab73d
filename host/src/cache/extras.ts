import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { throwIfAborted, type Context } from '../core/context.js';
import { quietly } from '../core/disposal.js';
import { errnoOf } from '../core/error.js';
import { inCache } from './errors.js';
import { lstatIfPresent, removeTree, temporaryPath } from './files.js';
import { entryPath, type Cache } from './format.js';
import { moveAside } from './publish.js';
import { createCache } from './staging.js';

/** What is known of a kernel beside its headers, one file each; docs/CACHE-FORMAT.md says what is in them. */
export type ExtraName = 'config.gz' | 'symbols.json' | 'phone.json' | 'btf' | 'vmlinux.h';

type EntryName = { readonly release: string; readonly digest: string };

/**
 * The folder of what belongs to an entry without being part of it: an entry never changes, but more may become known of
 * its kernel. Need not exist. Throws `usage` for a wrong release or digest.
 */
export function extrasPath(cache: Cache, { release, digest }: EntryName): string {
  entryPath(cache, release, digest); // refuses wrong names
  return join(cache.path, 'extras', release, digest);
}

/** Undefined where it is not known. Throws `cache-unwritable`. */
export async function readExtra(cache: Cache, entry: EntryName, name: ExtraName): Promise<Buffer | undefined> {
  const path = join(extrasPath(cache, entry), name);
  return inCache(path, () =>
    readFile(path).catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }),
  );
}

/** Puts a file in place as a whole, in place of an older one; returns its path. Throws `disk-full`, `cache-unwritable`. */
export async function writeExtra(cache: Cache, entry: EntryName, name: ExtraName, bytes: Uint8Array): Promise<string> {
  const path = join(extrasPath(cache, entry), name);
  await createCache(cache);
  return inCache(path, async () => {
    const temporary = temporaryPath(cache);
    await writeFile(temporary, bytes, { flag: 'wx' });
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await rename(temporary, path);
    return path;
  });
}

/**
 * The folder of that name beside an entry; where it is not there, `make` fills one that is then moved into place as a
 * whole. Whoever comes second takes the first one's. Errors: those of `make`, `disk-full`, `cache-unwritable`.
 */
export async function publishFolder(
  cache: Cache,
  entry: EntryName,
  name: string,
  make: (path: string) => Promise<void>,
  ctx: Context,
): Promise<string> {
  const path = join(extrasPath(cache, entry), name);
  if ((await lstatIfPresent(path)) !== undefined) return path;
  await createCache(cache);
  const staging = temporaryPath(cache);
  try {
    await inCache(staging, () => mkdir(staging, { mode: 0o700 }));
    await make(staging);
    throwIfAborted(ctx);
    await inCache(path, () => moveIntoPlace(staging, path));
    return path;
  } finally {
    await quietly(ctx, 'remove a staging directory', () => removeTree(staging));
  }
}

async function moveIntoPlace(staging: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    await rename(staging, path);
  } catch (error) {
    if ((await lstatIfPresent(path)) === undefined) throw error;
  }
}

/** Removes everything that belongs to an entry; nothing there is fine. */
export async function removeExtras(cache: Cache, entry: EntryName, ctx: Context): Promise<void> {
  const path = extrasPath(cache, entry);
  if ((await lstatIfPresent(path)) === undefined) return;
  const aside = await moveAside(cache, path, ctx);
  await aside[Symbol.asyncDispose]();
}
