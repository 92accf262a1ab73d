import { hash } from 'node:crypto';
import { KhError } from './error.js';

/** One file, directory or symlink of an extracted tree. */
export interface TreeEntry {
  /** Relative to the top of the tree, `/` between names, no `.` or `..`, no control characters, no `/` at the end. */
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'symlink';
  /** Permission bits as the archive has them. Only one thing of them is kept: whether a file is executable. */
  readonly mode: number;
  /** Bytes of a file; 0 for the others. */
  readonly size: number;
  /** Of a file's content, hex. Files only, and every file. */
  readonly sha256?: string;
  /** Of a symlink, unchanged. Symlinks only, and every symlink. */
  readonly target?: string;
}

/** A tree as a list, without its content. */
export interface Tree extends TreeSummary {
  /** Every directory is listed, also one the archive only implies; the top itself is not. Sorted as formatTree() writes. */
  readonly entries: readonly TreeEntry[];
  /** formatTree(entries): what is hashed, and what `tree.txt` holds. */
  readonly text: string;
}

export interface TreeSummary {
  readonly files: number;
  readonly directories: number;
  readonly symlinks: number;
  /** The sum of all file sizes. */
  readonly bytes: number;
  /** sha256 (hex) of formatTree(entries) in UTF-8. */
  readonly digest: string;
}

/** Sorts the entries, adds directories that are only implied, counts and hashes. Paths must differ. */
export function makeTree(entries: readonly TreeEntry[]): Tree {
  const complete = sortEntries([...entries, ...impliedDirectories(entries)]);
  const text = formatSorted(complete);
  const counts = { file: 0, directory: 0, symlink: 0 };
  let bytes = 0;
  for (const { kind, size } of complete) {
    counts[kind]++;
    bytes += size;
  }
  const { file: files, directory: directories, symlink: symlinks } = counts;
  return { entries: complete, text, files, directories, symlinks, bytes, digest: hash('sha256', text) };
}

/**
 * The canonical text of a tree, the same on every machine (docs/CACHE-FORMAT.md, `tree.txt`): one line per entry,
 * sorted by the bytes of the path.
 */
export function formatTree(entries: readonly TreeEntry[]): string {
  return formatSorted(sortEntries(entries));
}

/** The reverse of formatTree(). Throws `cache-corrupt` for anything formatTree() does not write. */
export function parseTree(text: string): Tree {
  if (text !== '' && !text.endsWith('\n')) throw damaged('the last line is not ended');
  const entries = text.split('\n').slice(0, -1).map(parseLine);
  const tree = makeTree(entries);
  if (new Set(entries.map((entry) => entry.path)).size !== entries.length) throw damaged('a path is listed twice');
  if (tree.text !== text) throw damaged('the lines are not in canonical form');
  return tree;
}

/** The permission bits an entry has in the cache, where nothing is writable; symlinks have none of their own. */
export function publishedMode(entry: Pick<TreeEntry, 'kind' | 'mode'>): number {
  return entry.kind === 'directory' || (entry.mode & 0o111) !== 0 ? 0o555 : 0o444;
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0));
}

function impliedDirectories(entries: readonly TreeEntry[]): readonly TreeEntry[] {
  const known = new Set(entries.filter(({ kind }) => kind === 'directory').map(({ path }) => path));
  const implied: TreeEntry[] = [];
  for (const entry of entries) {
    for (let path = parentOf(entry.path); path !== '' && !known.has(path); path = parentOf(path)) {
      known.add(path);
      implied.push({ path, kind: 'directory', mode: 0o755, size: 0 });
    }
  }
  return implied;
}

/**
 * By the bytes of the path as UTF-8. JavaScript's own order is that of UTF-16 units; the two differ only where there are
 * surrogates or units above them, which no header's name has.
 */
function sortEntries(entries: readonly TreeEntry[]): readonly TreeEntry[] {
  const isPlain = entries.every(({ path }) => !/[\ud800-\uffff]/.test(path));
  if (isPlain) return [...entries].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  return entries
    .map((entry) => ({ entry, key: Buffer.from(entry.path) }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({ entry }) => entry);
}

function formatSorted(entries: readonly TreeEntry[]): string {
  return entries.map(formatLine).join('');
}

function formatLine(entry: TreeEntry): string {
  if (entry.kind === 'directory') return `d\t${entry.path}\n`;
  if (entry.kind === 'symlink') return `l\t${entry.target}\t${entry.path}\n`;
  return `${(entry.mode & 0o111) === 0 ? 'f' : 'x'}\t${entry.size}\t${entry.sha256}\t${entry.path}\n`;
}

const fileLine = /^([fx])\t(0|[1-9][0-9]{0,14})\t([0-9a-f]{64})\t([^\t]+)$/;
const directoryLine = /^d\t([^\t]+)$/;
const symlinkLine = /^l\t([^\t]+)\t([^\t]+)$/;

function parseLine(line: string): TreeEntry {
  const [, letter, size, sha256, filePath] = fileLine.exec(line) ?? [];
  if (letter !== undefined && sha256 !== undefined) {
    return { path: safe(filePath), kind: 'file', mode: letter === 'x' ? 0o555 : 0o444, size: Number(size), sha256 };
  }
  const directory = directoryLine.exec(line)?.[1];
  if (directory !== undefined) return { path: safe(directory), kind: 'directory', mode: 0o555, size: 0 };
  const [, target, linkPath] = symlinkLine.exec(line) ?? [];
  if (target === undefined || /\p{Cc}/u.test(target)) throw damaged('a line has an unknown form');
  return { path: safe(linkPath), kind: 'symlink', mode: 0o777, size: 0, target };
}

function safe(path: string | undefined): string {
  const names = path?.split('/') ?? [];
  const good = names.length > 0 && names.every((name) => name !== '' && name !== '.' && name !== '..');
  if (path === undefined || !good || /\p{Cc}/u.test(path)) throw damaged('a path leaves the tree or is not a path');
  return path;
}

function damaged(reason: string): KhError {
  return new KhError('cache-corrupt', `The list of the tree is damaged: ${reason}`, { reason });
}
