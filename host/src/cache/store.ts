import { stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getuid } from 'node:process';
import { isRelease } from '@kheaders/shared';
import { isKhError, KhError } from '../core/error.js';
import { corrupt, inCache } from './errors.js';
import { lstatIfPresent, readNames, readSmallFile } from './files.js';
import {
  cacheAt,
  digestOf,
  entryPath,
  isDigest,
  makeEntry,
  names,
  releasePath,
  type Cache,
  type DamagedEntry,
  type Entry,
} from './format.js';
import { parseManifest } from './manifest.js';

const largestManifest = 1 << 16;

/**
 * The cache below a root (resolveCacheRoot()). Creates nothing. Throws `cache-unwritable` if somebody else could have
 * put headers there: the root is writable by all (CVE-2024-2313), or `v1` belongs to neither this user nor root.
 */
export async function openCache(root: string): Promise<Cache> {
  const cache = cacheAt(root);
  await inCache(cache.path, async () => {
    const user = getuid?.();
    for (const path of user === undefined ? [] : [cache.root, cache.path]) {
      const found = await lstatIfPresent(path).then((link) => (link ? stat(path) : undefined));
      if (found === undefined) continue;
      const open = (found.mode & 0o1002) === 0o002;
      const foreign = path === cache.path && found.uid !== 0 && found.uid !== user;
      const reason = open ? 'writable by everybody' : foreign ? 'belongs to another user' : undefined;
      if (reason) throw new KhError('cache-unwritable', `The cache is not safe: it is ${reason}`, { path, reason });
    }
  });
  return cache;
}

/**
 * The entry of that name, or undefined if there is none. Checked are the manifest and that tree and archive are there;
 * verifyEntry() checks the rest. Throws `cache-corrupt` if that fails, `usage` for names that are none.
 */
export async function readEntry(cache: Cache, release: string, digest: string): Promise<Entry | undefined> {
  const path = entryPath(cache, release, digest);
  const before = await inCache(path, () => lstatIfPresent(path));
  if (before === undefined) return undefined;
  try {
    return await inCache(path, () => checkEntry(cache, release, digest));
  } catch (error) {
    const after = await lstatIfPresent(path);
    if (after?.ino === before.ino) throw error;
    return readEntry(cache, release, digest); // it was removed or replaced while we read
  }
}

async function checkEntry(cache: Cache, release: string, digest: string): Promise<Entry> {
  const file = join(entryPath(cache, release, digest), names.manifest);
  const text = await readSmallFile(file, largestManifest);
  if (text === undefined) throw corrupt('The entry is incomplete', file, 'no manifest');
  const manifest = parseManifest(text, file);
  const right = manifest.release === release && digestOf(manifest.archive.sha256) === digest;
  if (!right) throw corrupt('The manifest belongs to another entry', file, 'release or archive.sha256');
  const entry = makeEntry(cache, manifest);
  const archive = await lstatIfPresent(entry.archivePath);
  if (archive?.size !== manifest.archive.bytes) throw corrupt('The entry is damaged', entry.archivePath, 'archive');
  const headers = await lstatIfPresent(entry.headers);
  if (!headers?.isDirectory()) throw corrupt('The entry is damaged', entry.headers, 'no headers');
  return entry;
}

/** All entries, sorted by release, newest first within one. A damaged one is listed as such and hides no other. */
export async function listEntries(cache: Cache): Promise<readonly (Entry | DamagedEntry)[]> {
  const releases = await inCache(cache.kernels, () => readNames(cache.kernels));
  const lists = [];
  for (const release of releases.filter(isRelease)) lists.push(await listRelease(cache, release));
  return lists.flat();
}

/** The entries of one release, newest first, damaged ones last. Throws `usage` for a text that is no release. */
export async function listRelease(cache: Cache, release: string): Promise<readonly (Entry | DamagedEntry)[]> {
  const path = releasePath(cache, release);
  const digests = (await inCache(path, () => readNames(path))).filter(isDigest);
  const found = await Promise.all(digests.map((digest) => readEntryOrDamage(cache, release, digest)));
  return found.filter((entry) => entry !== undefined).sort(compareNewestFirst);
}

export async function readEntryOrDamage(
  cache: Cache,
  release: string,
  digest: string,
): Promise<Entry | DamagedEntry | undefined> {
  try {
    return await readEntry(cache, release, digest);
  } catch (error) {
    if (!isKhError(error, 'cache-corrupt')) throw error;
    return { release, digest, path: entryPath(cache, release, digest), damaged: damageOf(error) };
  }
}

export function isDamaged(entry: Entry | DamagedEntry): entry is DamagedEntry {
  return 'damaged' in entry;
}

/**
 * The newest entry of a release, or the one whose digest begins with the given digits; undefined if there is none.
 * Throws `usage` for a wrong release, digest or a prefix of several entries, `cache-corrupt` if only a damaged one fits.
 */
export async function findEntry(cache: Cache, release: string, prefix = ''): Promise<Entry | undefined> {
  if (!/^[0-9a-f]{0,16}$/.test(prefix)) {
    throw new KhError('usage', 'A digest is 1 to 16 hex digits in lower case', { actual: prefix });
  }
  const fitting = (await listRelease(cache, release)).filter((entry) => entry.digest.startsWith(prefix));
  const [first, second] = fitting;
  if (first === undefined) return undefined;
  if (prefix !== '' && second !== undefined) {
    throw new KhError('usage', 'The digest fits several entries', { release, choices: fitting.map(formatName) });
  }
  if (isDamaged(first)) throw corrupt('The entry is damaged', first.path, first.damaged);
  return first;
}

/**
 * The entry a user means by `RELEASE` (the newest of it) or `RELEASE@DIGEST` (a prefix will do). Throws `not-cached`
 * with all there are as choices, and what findEntry() throws.
 */
export async function resolveEntry(cache: Cache, text: string): Promise<Entry> {
  const [release = '', prefix, more] = text.split('@');
  if (prefix === '' || more !== undefined || !isRelease(release)) {
    throw new KhError('usage', 'An entry is named RELEASE or RELEASE@DIGEST', { actual: text });
  }
  const found = await findEntry(cache, release, prefix);
  if (found) return found;
  const choices = (await listEntries(cache)).filter((entry) => !isDamaged(entry)).map(formatName);
  throw new KhError('not-cached', 'The cache has no such entry', { release, actual: text, choices });
}

/** The name by which resolveEntry() finds an entry. */
export function formatName(entry: { readonly release: string; readonly digest: string }): string {
  return `${entry.release}@${entry.digest}`;
}

/** Notes that an entry was used now, for prune. Never fails: a cache that cannot be written to still serves. */
export async function touchEntry(entry: Entry): Promise<void> {
  const file = join(entry.path, names.used);
  const now = new Date();
  await utimes(file, now, now).catch(() => writeFile(file, '').catch(() => undefined));
}

/** When an entry was last used, in ms since 1970; when it was made if that is not known. */
export async function readLastUse(entry: Entry): Promise<number> {
  const used = await lstatIfPresent(join(entry.path, names.used));
  return used?.mtimeMs ?? Date.parse(entry.manifest.createdAt);
}

function compareNewestFirst(a: Entry | DamagedEntry, b: Entry | DamagedEntry): number {
  const key = (entry: Entry | DamagedEntry) => (isDamaged(entry) ? '0' : `1${entry.manifest.createdAt}`) + entry.digest;
  return key(a) < key(b) ? 1 : -1;
}

function damageOf(error: KhError): string {
  return error.details.reason ?? error.message;
}
