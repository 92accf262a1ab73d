import { join, resolve } from 'node:path';
import { isRelease } from '@kheaders/shared';
import { KhError } from '../core/error.js';
import type { Manifest } from './manifest.js';

/** A cache by its paths, absolute. Nothing needs to exist: reading an absent cache finds nothing. */
export interface Cache {
  /** What the user chose. */
  readonly root: string;
  /** `<root>/v1`: all we write is in here. */
  readonly path: string;
  readonly kernels: string;
  readonly identities: string;
  /** Everything unfinished: staging, files about to be renamed into place, entries about to be deleted. */
  readonly tmp: string;
}

/** The headers of one kernel, complete and never changed. */
export interface Entry {
  readonly release: string;
  /** The first 16 hex digits of the archive's sha256. */
  readonly digest: string;
  /** The entry's directory, absolute. */
  readonly path: string;
  /** The tree. */
  readonly headers: string;
  readonly archivePath: string;
  readonly manifest: Manifest;
}

/** An entry whose manifest cannot be trusted. Removing it and pulling again is the cure; the next publish replaces it. */
export interface DamagedEntry {
  readonly release: string;
  readonly digest: string;
  readonly path: string;
  /** Why, in a few words. */
  readonly damaged: string;
}

/** The names inside an entry; staging has the same ones. */
export const names = {
  headers: 'headers',
  archive: 'kheaders.tar.xz',
  manifest: 'manifest.json',
  used: 'used',
} as const;

export const cacheTag =
  'Signature: 8a477f597d28d172789f06886806bc55\n# A cache of kheaders: https://bford.info/cachedir/\n';

/** The cache below a root; touches nothing. A relative root counts from the current directory. */
export function cacheAt(root: string): Cache {
  const path = resolve(root, 'v1');
  const below = (name: string) => join(path, name);
  return { root: resolve(root), path, kernels: below('kernels'), identities: below('identities'), tmp: below('tmp') };
}

/** True for the directory name of an entry. */
export function isDigest(text: string): boolean {
  return /^[0-9a-f]{16}$/.test(text);
}

/** The name of the entry that holds this archive. */
export function digestOf(archiveSha256: string): string {
  return archiveSha256.slice(0, 16);
}

/** Where the entries of a release are. Throws `usage` for a text that is no release: it would name any folder. */
export function releasePath(cache: Cache, release: string): string {
  if (!isRelease(release)) throw new KhError('usage', 'This is not a kernel release', { actual: release });
  return join(cache.kernels, release);
}

/** Where an entry is, or would be. Throws `usage` for a wrong release or digest. */
export function entryPath(cache: Cache, release: string, digest: string): string {
  if (!isDigest(digest)) throw new KhError('usage', 'This is not the digest of an entry', { actual: digest });
  return join(releasePath(cache, release), digest);
}

/** The entry a manifest belongs to, complete or not. */
export function makeEntry(cache: Cache, manifest: Manifest): Entry {
  const digest = digestOf(manifest.archive.sha256);
  const path = entryPath(cache, manifest.release, digest);
  return {
    release: manifest.release,
    digest,
    path,
    headers: join(path, names.headers),
    archivePath: join(path, names.archive),
    manifest,
  };
}
