import { KhError } from '../core/error.js';
import { printable } from '../core/printable.js';
import type { TreeKind } from '../core/tree.js';
import { foldPath, parseEntryPath } from './entry-path.js';
import { findLinkFault, type LinkFault } from './links.js';
import type { Limits } from './limits.js';
import type { TarEntry } from './tar.js';

export interface PolicyOptions {
  readonly limits: Limits;
  /** The target's file system holds two names that differ by case for one. */
  readonly caseInsensitive: boolean;
  /** Names must also be fit for Windows. */
  readonly windows: boolean;
}

/** What may be made of an entry. */
export interface Accepted {
  /** Directories to make first, outermost first: those that only its path names. */
  readonly parents: readonly string[];
  /** Relative, with single slashes; free of `.`, `..` and control characters. */
  readonly path: string;
  /** Undefined: nothing is to be made now. That is so for the root, for links, and for directories that are there. */
  readonly kind: 'file' | 'program' | 'directory' | undefined;
}

const nothing: readonly string[] = [];

/** A link that stays inside the root and leads to something. */
export interface AcceptedLink {
  readonly path: string;
  readonly target: string;
}

/**
 * Decides what of an archive may reach the disk. Pure: it sees every entry once, in the archive's order, and then
 * once more as a whole.
 *
 * Symlinks are judged at the end, when every name is known, and so have to be made last: nothing can be written
 * through one, and an archive that consists of links to nowhere is recognised for what it is.
 */
export class EntryPolicy {
  readonly #options: PolicyOptions;
  /** Everything seen or implied, the root as the empty path. */
  readonly #kinds = new Map<string, TreeKind>([['', 'directory']]);
  readonly #implied = new Set<string>(['']);
  readonly #folded = new Map<string, string>();
  readonly #links: AcceptedLink[] = [];
  #leaves = 0;
  /** A known directory, with a slash behind it; the root has none. */
  #folder = '';

  constructor(options: PolicyOptions) {
    this.#options = options;
  }

  /**
   * What to create for an entry now.
   *
   * @throws KhError `archive-refused`; `details.entry` is the path in printable form, `details.reason` one of
   *   `absolute-path`, `control-character`, `empty-component`, `empty-path`, `entry-kind`, `entry-limit`,
   *   `hard-link`, `parent-path`, `path-length`, `windows-name`, `duplicate`, `case-clash`, `below-file`.
   */
  judge(entry: TarEntry): Accepted {
    const kind = acceptedKind(entry);
    const { windows, limits } = this.#options;
    const verdict = parseEntryPath(entry.path, kind === 'directory', windows, limits);
    if ('reason' in verdict) throw refused(entry.path, verdict.reason);
    const { path } = verdict;
    const parents = this.#isInFolder(path) ? nothing : this.#impliedParents(path);
    const isThere = this.#isMade(path, kind);
    if (!isThere) this.#register(path, kind);
    if (this.#kinds.size > limits.entries) throw refused(entry.path, 'entry-limit');
    if (kind === 'symlink') this.#links.push({ path, target: entry.linkTarget });
    return { parents, path, kind: isThere || kind === 'symlink' ? undefined : kind };
  }

  /**
   * The links to make, and everything that was seen and implied, the top itself left out; once all entries have been judged.
   *
   * @throws KhError `archive-refused` with reason `symlink-absolute`, `symlink-escape`, `symlink-through-link`,
   *   `symlink-dangling` or `symlink-name`; `symlink-archive` where such links make up most of the archive.
   */
  finish(): { readonly links: readonly AcceptedLink[]; readonly kinds: ReadonlyMap<string, TreeKind> } {
    const targets = new Map(this.#links.map(({ path, target }) => [path, target]));
    const faults: { path: string; fault: LinkFault }[] = [];
    for (const { path, target } of this.#links) {
      const fault = findLinkFault(path, target, { kinds: this.#kinds, targets, windows: this.#options.windows });
      if (fault !== undefined) faults.push({ path, fault });
    }
    const [first] = faults;
    if (!first) {
      this.#kinds.delete('');
      return { links: this.#links, kinds: this.#kinds };
    }
    // iovisor/bcc issue 4503: some Bazel builds of Android 6.1 kernels packed links into the build sandbox.
    const mostly = faults.length > 20 && faults.length > this.#leaves / 2;
    throw refused(first.path, mostly ? 'symlink-archive' : first.fault);
  }

  /** Most entries are in the folder of the one before. */
  #isInFolder(path: string): boolean {
    const folder = this.#folder;
    return path.startsWith(folder) && !path.includes('/', folder.length);
  }

  #impliedParents(path: string): readonly string[] {
    const parent = parentOf(path);
    const missing = this.#kinds.get(parent) === 'directory' ? nothing : this.#addMissing(path, parent);
    this.#folder = parent === '' ? '' : `${parent}/`;
    return missing;
  }

  #addMissing(path: string, parent: string): readonly string[] {
    const missing: string[] = [];
    let ancestor = parent;
    for (; !this.#kinds.has(ancestor); ancestor = parentOf(ancestor)) missing.unshift(ancestor);
    if (this.#kinds.get(ancestor) !== 'directory') throw refused(path, 'below-file');
    for (const folder of missing) {
      this.#register(folder, 'directory');
      this.#implied.add(folder);
    }
    return missing;
  }

  /** True for a directory that is there because of what it holds, and once for the root. */
  #isMade(path: string, kind: TreeKind): boolean {
    if (!this.#kinds.has(path)) return false;
    if (kind === 'directory' && this.#implied.delete(path)) return true;
    throw refused(path, 'duplicate');
  }

  #register(path: string, kind: TreeKind): void {
    this.#kinds.set(path, kind);
    if (kind !== 'directory') this.#leaves++;
    if (!this.#options.caseInsensitive) return;
    const folded = foldPath(path);
    const twin = this.#folded.get(folded);
    if (twin !== undefined) throw refused(path, 'case-clash', twin);
    this.#folded.set(folded, path);
  }
}

function acceptedKind(entry: TarEntry): TreeKind {
  if (entry.kind === 'hardlink') throw refused(entry.path, 'hard-link');
  if (entry.kind === 'other') throw refused(entry.path, 'entry-kind');
  return entry.kind === 'file' && (entry.mode & 0o111) !== 0 ? 'program' : entry.kind;
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0));
}

function refused(path: string, reason: string, twin?: string): KhError {
  const entry = printable(path);
  const beside = twin === undefined ? '' : ` beside ${printable(twin)}`;
  return new KhError('archive-refused', `The archive's entry ${entry}${beside} is refused (${reason})`, {
    entry,
    reason,
  });
}
