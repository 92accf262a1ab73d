import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cache, Entry } from '../cache/format.js';
import type { Context } from '../core/context.js';
import { readEnvironment } from '../core/environment.js';
import { KhError, isKhError } from '../core/error.js';
import type { EntryFacts } from './entry-facts.js';
import { type KbuildSource, readKbuildSource } from './kbuild-source.js';
import { compareVersions, formatVersion } from './kernel-version.js';
import { unpackKbuild } from './unpack-kbuild.js';

export interface KbuildOptions {
  /** A folder, a tarball, or `auto`. */
  readonly kbuild?: string | undefined;
  /** Take Kbuild files of another kernel series, too. */
  readonly allowMismatch?: boolean | undefined;
}

/**
 * The Kbuild files for an entry: the ones named, or with `auto` the first of: the archive itself (legacy layout),
 * $KHEADERS_KBUILD, and below /usr/src the source packages and headers packages of Debian that fit the version best.
 * Reports a warning where the version is not exactly that of the headers.
 * Errors: `kbuild-missing`, `kbuild-mismatch`, and those of unpackKbuild().
 */
export async function findKbuild(
  cache: Cache,
  entry: Entry,
  facts: EntryFacts,
  options: KbuildOptions,
  ctx: Context,
): Promise<KbuildSource> {
  const { kbuild = 'auto', allowMismatch = false } = options;
  const source =
    kbuild === 'auto' ? await search(cache, entry, facts, ctx) : await read(cache, entry, facts, kbuild, ctx);
  const match = compareVersions(facts.version, source.version);
  if (match === 'exact') return source;
  const [expected, actual] = [formatVersion(facts.version), formatVersion(source.version)];
  if (match === 'other' && !allowMismatch) {
    const details = { release: entry.release, path: source.path, expected, actual };
    throw new KhError('kbuild-mismatch', 'The Kbuild files are of another kernel series', details);
  }
  const how = match === 'series' ? 'of the same series, but not of the same version' : 'of another series';
  const message = `The Kbuild files (${source.path}) are of Linux ${actual}, ${how} as the headers (${expected})`;
  ctx.report({ kind: 'warning', warning: 'build', message });
  return source;
}

async function read(cache: Cache, entry: Entry, facts: EntryFacts, path: string, ctx: Context): Promise<KbuildSource> {
  const found = await stat(path).catch((error: unknown) => {
    throw new KhError('kbuild-missing', 'There are no Kbuild files', { path, tried: [path] }, error);
  });
  if (found.isDirectory()) return readKbuildSource(path, facts.srcArch, ctx);
  const folder = await unpackKbuild(cache, entry, { file: path, srcArch: facts.srcArch }, ctx);
  return { ...(await readKbuildSource(folder, facts.srcArch, ctx)), kind: 'tarball', path };
}

async function search(cache: Cache, entry: Entry, facts: EntryFacts, ctx: Context): Promise<KbuildSource> {
  if (entry.manifest.layout === 'legacy') {
    return { ...(await readKbuildSource(entry.headers, facts.srcArch, ctx)), kind: 'archive' };
  }
  const named = readEnvironment().env['KHEADERS_KBUILD'];
  if (named) return read(cache, entry, facts, named, ctx);
  const candidates = await listCandidates(facts);
  const usable: KbuildSource[] = [];
  for (const path of candidates) {
    try {
      const source = await read(cache, entry, facts, path, ctx);
      const match = compareVersions(facts.version, source.version);
      if (match === 'exact') return source;
      if (match === 'series') usable.push(source);
    } catch (error) {
      if (!isKhError(error, 'kbuild-missing')) throw error;
    }
  }
  const [first] = usable;
  if (first !== undefined) return first;
  const tried = ['$KHEADERS_KBUILD', '/usr/src/linux-source-*', '/usr/src/linux-headers-*-common', ...candidates];
  throw new KhError('kbuild-missing', 'No Kbuild files were found', { release: entry.release, tried });
}

/** Folders before tarballs: those have to be decompressed to look into them. */
async function listCandidates({ version: [x, y] }: EntryFacts): Promise<readonly string[]> {
  const base = '/usr/src';
  const names = (await readdir(base).catch(() => [])).sort();
  const isSeries = (name: string): boolean => new RegExp(`^linux(?:-source)?-${x}\\.${y}(?:[.-]|$)`).test(name);
  const isTarball = (name: string): boolean => /\.tar(?:\.[gx]z)?$/.test(name);
  const trees = names.filter((name) => isSeries(name) && !isTarball(name) && !/\.(?:sign|patch|xz|gz)$/.test(name));
  const common = names.filter((name) => new RegExp(`^linux-headers-${x}\\.${y}[.-].*common$`).test(name));
  const tarballs = names.filter((name) => isSeries(name) && isTarball(name));
  return [...trees, ...common, ...tarballs].map((name) => join(base, name));
}
