import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { throwIfAborted, type Context } from '../core/context.js';
import { inCache } from './errors.js';
import { lstatIfPresent } from './files.js';
import type { Cache, DamagedEntry, Entry } from './format.js';
import { isDamaged, listEntries } from './store.js';

/** Bytes of files, not of disk blocks. */
export interface Usage {
  readonly entries: readonly { readonly entry: Entry | DamagedEntry; readonly bytes: number }[];
  /** What is in tmp/: work in progress and what dead runs left. */
  readonly temporaryBytes: number;
  readonly totalBytes: number;
}

/** How much the cache holds. Throws `cancelled`. */
export async function readUsage(cache: Cache, ctx: Context): Promise<Usage> {
  const entries = [];
  for (const entry of await listEntries(cache)) entries.push({ entry, bytes: await entryBytes(entry, ctx) });
  const temporaryBytes = await inCache(cache.tmp, () => directoryBytes(cache.tmp, ctx));
  const totalBytes = entries.reduce((sum, { bytes }) => sum + bytes, temporaryBytes);
  return { entries, temporaryBytes, totalBytes };
}

/** The tree and the archive, as the manifest has them; a damaged entry is measured. */
export async function entryBytes(entry: Entry | DamagedEntry, ctx: Context): Promise<number> {
  if (isDamaged(entry)) return inCache(entry.path, () => directoryBytes(entry.path, ctx));
  return entry.manifest.tree.bytes + entry.manifest.archive.bytes;
}

async function directoryBytes(path: string, ctx: Context): Promise<number> {
  let bytes = 0;
  for (const child of await readdir(path, { withFileTypes: true }).catch(() => [])) {
    throwIfAborted(ctx);
    const file = join(path, child.name);
    bytes += child.isDirectory() ? await directoryBytes(file, ctx) : ((await lstatIfPresent(file))?.size ?? 0);
  }
  return bytes;
}
