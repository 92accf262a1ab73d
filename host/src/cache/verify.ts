import { type Stats, closeSync, lstatSync, openSync, readSync, readlinkSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { platform } from 'node:process';
import { throwIfAborted, type Context } from '../core/context.js';
import { isKhError } from '../core/error.js';
import { publishedMode, type FileContent, type Tree, type TreeKind, type TreeVisitor } from '../core/tree.js';
import { hashFile } from './files.js';
import { names, type Entry } from './format.js';

/** One way in which an entry differs from what was published. */
export interface Problem {
  /** `archive` is about the file kheaders.tar.xz, the others about something in headers/. */
  readonly kind: 'missing' | 'extra' | 'kind' | 'content' | 'target' | 'mode' | 'archive';
  /** Relative to the entry. */
  readonly path: string;
}

/** Shows the visitor what is in an archive, and lists it. */
export type WalkArchive = (archivePath: string, visitor: TreeVisitor) => Promise<Tree>;

/**
 * Compares an entry with its manifest and its archive, byte by byte: the archive by its sha256, and everything in the tree with
 * what the archive holds. An empty list means it is as it was published. An extra directory is one problem, whatever it
 * holds. Against a damaged archive the tree cannot be checked. Reports progress of step `check`, in bytes of the tree. Throws
 * `cancelled`, and what `walk` throws.
 */
export async function verifyEntry(entry: Entry, walk: WalkArchive, ctx: Context): Promise<readonly Problem[]> {
  if (!(await isArchiveIntact(entry, ctx))) return [{ kind: 'archive', path: names.archive }];
  const comparison = new Comparison(entry, ctx);
  const { kinds, bytes: total } = await walk(entry.archivePath, comparison);
  ctx.report({ kind: 'progress', step: 'check', done: total, total });
  const problems = [...comparison.problems];
  for await (const path of findExtra(entry.headers, '', kinds)) problems.push(problemAt('extra', path));
  return problems.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** True if the archive of an entry is byte for byte the one that was pulled. */
export async function isArchiveIntact(entry: Entry, ctx: Context): Promise<boolean> {
  try {
    return (await hashFile(entry.archivePath, ctx)) === entry.manifest.archive.sha256;
  } catch (error) {
    if (isKhError(error)) throw error;
    return false;
  }
}

function problemAt(kind: Problem['kind'], path: string): Problem {
  return { kind, path: `${names.headers}/${path}` };
}

const progressBytes = 1024 * 1024;
const pieceBytes = 256 * 1024;

/** Holds what it is shown against what lies in an entry. */
class Comparison implements TreeVisitor {
  readonly problems: Problem[] = [];
  readonly #entry: Entry;
  readonly #ctx: Context;
  /** What is read of files, one after the other: a buffer for each of some thousand takes as long as to read them. */
  readonly #piece = Buffer.allocUnsafe(pieceBytes);
  #done = 0;
  /** Directories that are none any more: what is below them is not there, wherever a link in their place leads. */
  readonly #gone = new Set<string>();

  constructor(entry: Entry, ctx: Context) {
    this.#entry = entry;
    this.#ctx = ctx;
  }

  directory(path: string): void {
    this.#compare(path, 'directory', () => undefined);
  }

  file(path: string, kind: 'file' | 'program', content: FileContent): void {
    this.#compare(path, kind, (place, found) =>
      hasContent(place, found, content, this.#piece) ? undefined : 'content',
    );
    const before = this.#done;
    this.#done += content.size;
    if (Math.floor(before / progressBytes) === Math.floor(this.#done / progressBytes)) return;
    this.#ctx.report({ kind: 'progress', step: 'check', done: this.#done, total: this.#entry.manifest.tree.bytes });
  }

  symlink(path: string, target: string): void {
    this.#compare(path, 'symlink', (place) => (readlinkSync(place) === target ? undefined : 'target'));
  }

  #compare(path: string, kind: TreeKind, look: (place: string, found: Stats) => Problem['kind'] | undefined): void {
    throwIfAborted(this.#ctx);
    const place = join(this.#entry.headers, path);
    const found = this.#gone.has(posix.dirname(path)) ? undefined : lstatOrAbsent(place);
    if (kind === 'directory' && found?.isDirectory() !== true) this.#gone.add(path);
    const problem =
      found === undefined ? 'missing' : isOfKind(found, kind) ? (look(place, found) ?? findMode(found, kind)) : 'kind';
    if (problem !== undefined) this.problems.push(problemAt(problem, path));
  }
}

function lstatOrAbsent(place: string): Stats | undefined {
  try {
    return lstatSync(place);
  } catch {
    return undefined;
  }
}

function isOfKind(found: Stats, kind: TreeKind): boolean {
  if (kind === 'directory') return found.isDirectory();
  return kind === 'symlink' ? found.isSymbolicLink() : found.isFile();
}

function findMode(found: Stats, kind: TreeKind): 'mode' | undefined {
  const isMeant = platform === 'win32' || kind === 'symlink' || (found.mode & 0o777) === publishedMode(kind);
  return isMeant ? undefined : 'mode';
}

/** The size first: what was put there may be of any size. A file that cannot be read, whatever the reason, has not. */
function hasContent(place: string, found: Stats, content: FileContent, piece: Buffer): boolean {
  if (found.size !== content.size) return false;
  try {
    const file = openSync(place, 'r');
    try {
      return isEqual(file, content, piece);
    } finally {
      closeSync(file);
    }
  } catch {
    return false;
  }
}

function isEqual(file: number, { bytes, at, size }: FileContent, piece: Buffer): boolean {
  for (let done = 0; done < size;) {
    const count = readSync(file, piece, 0, Math.min(piece.length, size - done), done);
    if (count === 0 || piece.compare(bytes, at + done, at + done + count, 0, count) !== 0) return false;
    done += count;
  }
  return true;
}

/** All that is there and not in the archive; not what is in a directory that does not belong there. Unreadable is empty. */
async function* findExtra(
  headers: string,
  directory: string,
  kinds: ReadonlyMap<string, TreeKind>,
): AsyncGenerator<string, void> {
  for (const child of await readdir(join(headers, directory), { withFileTypes: true }).catch(() => [])) {
    const path = posix.join(directory, child.name);
    if (!kinds.has(path)) yield path;
    else if (child.isDirectory() && kinds.get(path) === 'directory') yield* findExtra(headers, path, kinds);
  }
}
