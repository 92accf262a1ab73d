import { KhError } from '../core/error.js';
import { printable } from '../core/printable.js';
import type { TreeEntry } from '../core/tree.js';
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

type Kind = TreeEntry['kind'];

/** What may be made of an entry. */
export interface Accepted {
  /** Relative, with single slashes; free of `.`, `..` and control characters. */
  readonly path: string;
  readonly kind: 'file' | 'directory';
  /** 0o644, or 0o755 for directories and for files somebody may execute. */
  readonly mode: number;
}

const nothing: readonly Accepted[] = [];

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
  readonly #kinds = new Map<string, Kind>([['', 'directory']]);
  readonly #implied = new Set<string>(['']);
  readonly #folded = new Map<string, string>();
  readonly #links: AcceptedLink[] = [];
  #leaves = 0;

  constructor(options: PolicyOptions) {
    this.#options = options;
  }

  /**
   * What to create for an entry, in this order: first the directories only its path names, then the entry itself.
   * Nothing for the root.
   *
   * @throws KhError `archive-refused`; `details.entry` is the path in printable form, `details.reason` one of
   *   `absolute-path`, `control-character`, `empty-component`, `empty-path`, `entry-kind`, `entry-limit`,
   *   `hard-link`, `parent-path`, `path-length`, `windows-name`, `duplicate`, `case-clash`, `below-file`.
   */
  judge(entry: TarEntry): readonly Accepted[] {
    const kind = acceptedKind(entry);
    const { windows, limits } = this.#options;
    const verdict = parseEntryPath(entry.path, kind === 'directory', windows, limits);
    if ('reason' in verdict) throw refused(entry.path, verdict.reason);
    const { path } = verdict;
    const parents = this.#impliedParents(path);
    const admitted = this.#admit(path, kind, entry);
    if (this.#kinds.size > limits.entries) throw refused(entry.path, 'entry-limit');
    return parents.length === 0 ? admitted : [...parents, ...admitted];
  }

  /**
   * The links to make, once all entries have been judged.
   *
   * @throws KhError `archive-refused` with reason `symlink-absolute`, `symlink-escape`, `symlink-through-link`,
   *   `symlink-dangling` or `symlink-name`; `symlink-archive` where such links make up most of the archive.
   */
  finish(): readonly AcceptedLink[] {
    const targets = new Map(this.#links.map(({ path, target }) => [path, target]));
    const faults: { path: string; fault: LinkFault }[] = [];
    for (const { path, target } of this.#links) {
      const fault = findLinkFault(path, target, { kinds: this.#kinds, targets, windows: this.#options.windows });
      if (fault !== undefined) faults.push({ path, fault });
    }
    const [first] = faults;
    if (!first) return this.#links;
    // iovisor/bcc issue 4503: some Bazel builds of Android 6.1 kernels packed links into the build sandbox.
    const mostly = faults.length > 20 && faults.length > this.#leaves / 2;
    throw refused(first.path, mostly ? 'symlink-archive' : first.fault);
  }

  #impliedParents(path: string): readonly Accepted[] {
    if (this.#kinds.get(parentOf(path)) === 'directory') return nothing;
    const missing: Accepted[] = [];
    for (let parent = parentOf(path); !this.#kinds.has(parent); parent = parentOf(parent)) {
      missing.unshift({ path: parent, kind: 'directory', mode: 0o755 });
    }
    const ancestor = missing[0] ? parentOf(missing[0].path) : parentOf(path);
    if (this.#kinds.get(ancestor) !== 'directory') throw refused(path, 'below-file');
    for (const { path: parent } of missing) {
      this.#register(parent, 'directory');
      this.#implied.add(parent);
    }
    return missing;
  }

  #admit(path: string, kind: Kind, entry: TarEntry): readonly Accepted[] {
    if (this.#kinds.has(path)) {
      const first = kind === 'directory' && this.#implied.delete(path);
      if (!first) throw refused(path, 'duplicate');
      return nothing;
    }
    this.#register(path, kind);
    if (kind !== 'directory') this.#leaves++;
    if (kind === 'symlink') {
      this.#links.push({ path, target: entry.linkTarget });
      return nothing;
    }
    return [{ path, kind, mode: kind === 'directory' || (entry.mode & 0o111) !== 0 ? 0o755 : 0o644 }];
  }

  #register(path: string, kind: Kind): void {
    this.#kinds.set(path, kind);
    if (!this.#options.caseInsensitive) return;
    const folded = foldPath(path);
    const twin = this.#folded.get(folded);
    if (twin !== undefined) throw refused(path, 'case-clash', twin);
    this.#folded.set(folded, path);
  }
}

function acceptedKind(entry: TarEntry): Kind {
  if (entry.kind === 'hardlink') throw refused(entry.path, 'hard-link');
  if (entry.kind === 'other') throw refused(entry.path, 'entry-kind');
  return entry.kind;
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
