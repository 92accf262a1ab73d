import { chmodSync, statSync, writeFileSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { throwIfAborted, type Context } from '../core/context.js';
import { quietly } from '../core/disposal.js';
import { errnoOf } from '../core/error.js';
import { publishedMode, type Tree, type TreeKind } from '../core/tree.js';
import { inCache } from './errors.js';
import {
  lstatIfPresent,
  removeTree,
  syncDirectory,
  syncFile,
  temporaryPath,
  unlessAbsent,
  writeSealedFile,
} from './files.js';
import { makeEntry, names, type Cache, type Entry } from './format.js';
import { updateLatest } from './latest.js';
import { formatManifest, makeManifest, parseManifest, type EntryFacts, type Manifest } from './manifest.js';
import type { Staging } from './staging.js';
import { isDamaged, readEntryOrDamage } from './store.js';

const mostAttempts = 10;

/**
 * Turns a filled staging directory (archive written, tree extracted) into an entry: complete from the first moment it
 * can be seen. If there is one of that archive already, that one is returned and staging left for its disposer; a
 * damaged one is replaced. Throws `disk-full`, `cache-unwritable`, `cancelled`; `cache-corrupt` for facts that no
 * manifest may hold.
 */
export async function publish(staging: Staging, facts: EntryFacts, tree: Tree, ctx: Context): Promise<Entry> {
  return install(staging, facts, tree, 'keep', ctx);
}

/** publish() that also replaces a healthy entry of the same archive: what repair needs. */
export async function publishReplacing(staging: Staging, facts: EntryFacts, tree: Tree, ctx: Context): Promise<Entry> {
  return install(staging, facts, tree, 'replace', ctx);
}

async function install(
  staging: Staging,
  facts: EntryFacts,
  tree: Tree,
  existing: 'keep' | 'replace',
  ctx: Context,
): Promise<Entry> {
  const { cache } = staging;
  const file = join(staging.path, names.manifest);
  const manifest = parseManifest(formatManifest(makeManifest(facts, tree)), file);
  const entry = makeEntry(cache, manifest);
  return inCache(cache.path, async () => {
    await seal(staging, manifest, tree, ctx);
    throwIfAborted(ctx);
    const placed = await place(staging, entry, existing, ctx);
    await quietly(ctx, 'update the link to the latest entry', () => updateLatest(cache, entry.release, placed.digest));
    return placed;
  });
}

/** Writes what is missing, the manifest last, takes away all write permissions and forces to the disk what must be. */
async function seal(staging: Staging, manifest: Manifest, tree: Tree, ctx: Context): Promise<void> {
  makeReadOnly(staging.headersDir, tree, ctx);
  writeFileSync(join(staging.path, names.used), '');
  chmodSync(staging.archivePath, 0o644); // a copy of a published one is 0444, and syncing needs w
  await syncFile(staging.archivePath);
  chmodSync(staging.archivePath, 0o444);
  await syncDirectory(staging.headersDir);
  await writeSealedFile(join(staging.path, names.manifest), formatManifest(manifest));
  // The entry itself keeps its w: without it a directory cannot be moved, since its `..` changes (EACCES, unless root).
  chmodSync(staging.path, 0o755);
  await syncDirectory(staging.path);
}

/**
 * The extraction creates files read-only already, so that only directories are left, unless the umask takes more away.
 * All files were created under one umask, so one of each mode tells. Synchronous calls cost a third here.
 */
function makeReadOnly(headers: string, { kinds }: Tree, ctx: Context): void {
  const paths: Record<TreeKind, string[]> = { file: [], program: [], directory: [], symlink: [] };
  kinds.forEach((kind, path) => paths[kind].push(path));
  for (const kind of ['file', 'program', 'directory'] as const) {
    const mode = publishedMode(kind);
    const [sample] = paths[kind];
    if (kind !== 'directory' && sample !== undefined && isOfMode(join(headers, sample), mode)) continue;
    for (const path of paths[kind]) {
      throwIfAborted(ctx);
      chmodSync(join(headers, path), mode);
    }
  }
  chmodSync(headers, 0o555);
}

function isOfMode(path: string, mode: number): boolean {
  return (statSync(path).mode & 0o777) === mode;
}

/** Renames staging to its final place. Whoever comes second takes what is there, unless it is damaged. */
async function place(staging: Staging, entry: Entry, existing: 'keep' | 'replace', ctx: Context): Promise<Entry> {
  const { cache } = staging;
  const old: AsyncDisposable[] = [];
  try {
    for (let attempt = 1; ; attempt++) {
      const refused = await tryRename(staging.path, entry.path);
      if (refused === undefined) break;
      if (attempt === mostAttempts) throw refused;
      const found = await readEntryOrDamage(cache, entry.release, entry.digest);
      if (found && existing === 'keep' && !isDamaged(found)) return found;
      if (found) old.push(await moveAside(cache, entry.path, ctx));
    }
    await unlessAbsent(syncDirectory(dirname(entry.path))); // somebody may have removed the entry, and its folder, already
    return entry;
  } finally {
    for (const aside of old) await aside[Symbol.asyncDispose]();
  }
}

/** What mkdir(2) and rename(2) say of a place that is taken, or whose folder was just removed. */
const takenErrors = ['ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'ENOENT'];

/**
 * Renames, in a folder that is made where need be. Returns the error if the place is taken or its folder was just removed,
 * throws others. What was in the place may be gone when one looks, so the error is asked first; Windows says EPERM.
 */
async function tryRename(from: string, to: string): Promise<Error | undefined> {
  try {
    // Finds a folder that somebody takes away before it has looked at it, and says ENOENT.
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    await rename(from, to);
    return undefined;
  } catch (error) {
    const taken = takenErrors.includes(errnoOf(error) ?? '') || (await lstatIfPresent(to)) !== undefined;
    if (taken && error instanceof Error) return error;
    throw error;
  }
}

/** Moves an entry, or what stands in its place, into tmp/; deleted when disposed. Nothing there is fine. */
export async function moveAside(cache: Cache, path: string, ctx: Context): Promise<AsyncDisposable> {
  const aside = temporaryPath(cache);
  await rename(path, aside).catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw error;
  });
  return { [Symbol.asyncDispose]: () => quietly(ctx, 'delete an old entry', () => removeTree(aside)) };
}
