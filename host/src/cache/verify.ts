import type { Stats } from 'node:fs';
import { readdir, readlink } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { platform } from 'node:process';
import { throwIfAborted, type Context } from '../core/context.js';
import { isKhError } from '../core/error.js';
import { parseTree, publishedMode, type Tree, type TreeEntry } from '../core/tree.js';
import { asCacheError, corrupt } from './errors.js';
import { hashFile, lstatIfPresent, readSmallFile } from './files.js';
import { names, type Entry } from './format.js';

const largestTreeList = 1 << 26;

/** One way in which an entry differs from what was published. */
export interface Problem {
  /** `archive` and `list` are about the files kheaders.tar.xz and tree.txt, the others about something in headers/. */
  readonly kind: 'missing' | 'extra' | 'kind' | 'content' | 'target' | 'mode' | 'archive' | 'list';
  /** Relative to the entry. */
  readonly path: string;
}

/**
 * Compares an entry with its manifest, byte by byte: the archive, the list of the tree, and every file in the tree.
 * An empty list means it is as it was published. An extra directory is one problem, whatever it holds. Without a
 * sound tree.txt the tree cannot be checked. Reports progress of step `check`, in bytes of the tree. Throws
 * `cancelled`, `cache-unwritable` for what may not be read.
 */
export async function verifyEntry(entry: Entry, ctx: Context): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  if (!(await isArchiveIntact(entry, ctx))) problems.push({ kind: 'archive', path: names.archive });
  const tree = await readTree(entry).catch((error: unknown) => {
    if (!isKhError(error, 'cache-corrupt')) throw asCacheError(error, entry.treePath);
    return undefined;
  });
  if (tree === undefined) return [...problems, { kind: 'list', path: names.tree }];
  return [...problems, ...(await verifyTree(entry, tree, ctx))];
}

/** True if the archive of an entry is byte for byte the one that was pulled. */
export async function isArchiveIntact(entry: Entry, ctx: Context): Promise<boolean> {
  return (await tryHash(entry.archivePath, ctx)) === entry.manifest.archive.sha256;
}

/** The list of the tree. Throws `cache-corrupt` if it is not the one the manifest names. */
export async function readTree(entry: Entry): Promise<Tree> {
  const text = await readSmallFile(entry.treePath, largestTreeList);
  const tree = text === undefined ? undefined : parseTree(text);
  if (tree?.digest === entry.manifest.tree.digest) return tree;
  throw corrupt('The list of the tree is damaged', entry.treePath, tree ? 'digest' : 'missing');
}

async function verifyTree(entry: Entry, tree: Tree, ctx: Context): Promise<readonly Problem[]> {
  const listed = new Map(tree.entries.map((entry) => [entry.path, entry]));
  const missing = new Set(listed.keys());
  const problems: Problem[] = [];
  let done = 0;
  const check = async (path: string) => {
    throwIfAborted(ctx);
    missing.delete(path);
    const expected = listed.get(path);
    const kind = expected ? await compare(join(entry.headers, path), expected, ctx) : 'extra';
    if (kind) problems.push({ kind, path: `${names.headers}/${path}` });
    done += expected?.size ?? 0;
  };
  for await (const paths of walk(entry.headers, '', listed)) {
    await Promise.all(paths.map(check));
    ctx.report({ kind: 'progress', step: 'check', done, total: tree.bytes });
  }
  for (const path of missing) problems.push({ kind: 'missing', path: `${names.headers}/${path}` });
  return problems.sort((a, b) => (a.path < b.path ? -1 : 1));
}

const batch = 32;

/** All that is there, some paths at a time, but not into directories that do not belong there; unreadable is empty. */
async function* walk(
  headers: string,
  directory: string,
  listed: ReadonlyMap<string, TreeEntry>,
): AsyncGenerator<readonly string[], void> {
  const children = await readdir(join(headers, directory), { withFileTypes: true }).catch(() => []);
  const paths = children.map((child) => posix.join(directory, child.name));
  for (let start = 0; start < paths.length; start += batch) yield paths.slice(start, start + batch);
  for (const [n, path] of paths.entries()) {
    if (children[n]?.isDirectory() && listed.get(path)?.kind === 'directory') yield* walk(headers, path, listed);
  }
}

async function compare(file: string, expected: TreeEntry, ctx: Context): Promise<Problem['kind'] | undefined> {
  const found = await lstatIfPresent(file);
  if (found === undefined) return 'missing';
  if (!isOfKind(found, expected.kind)) return 'kind';
  if (expected.kind === 'symlink') return (await readlink(file)) === expected.target ? undefined : 'target';
  if (expected.kind === 'file') {
    // the size first: what was put there may be of any size
    const same = found.size === expected.size && (await tryHash(file, ctx)) === expected.sha256;
    if (!same) return 'content';
  }
  const hasModes = platform !== 'win32';
  return hasModes && (found.mode & 0o777) !== publishedMode(expected) ? 'mode' : undefined;
}

function isOfKind(found: Stats, kind: TreeEntry['kind']): boolean {
  if (kind === 'file') return found.isFile();
  return kind === 'directory' ? found.isDirectory() : found.isSymbolicLink();
}

/** Undefined for a file that cannot be read, whatever the reason. */
async function tryHash(file: string, ctx: Context): Promise<string | undefined> {
  try {
    return await hashFile(file, ctx);
  } catch (error) {
    if (isKhError(error)) throw error;
    return undefined;
  }
}
