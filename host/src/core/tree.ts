/** What stands at a path of a tree. A program is a file that may be executed: all that is kept of permissions. */
export type TreeKind = 'file' | 'program' | 'directory' | 'symlink';

/** A tree as a list, without its content. */
export interface Tree extends TreeSummary {
  /**
   * By path: relative to the top of the tree, `/` between names, no `.` or `..`, no control characters, no `/` at the end.
   * Every directory is listed, also one the archive only implies; the top itself is not.
   */
  readonly kinds: ReadonlyMap<string, TreeKind>;
}

export interface TreeSummary {
  /** Programs among them. */
  readonly files: number;
  readonly directories: number;
  readonly symlinks: number;
  /** The sum of all file sizes. */
  readonly bytes: number;
}

/** Counts what there is. */
export function makeTree(kinds: ReadonlyMap<string, TreeKind>, bytes: number): Tree {
  const counts = { file: 0, program: 0, directory: 0, symlink: 0 };
  // forEach() makes no object for each of thousands of entries.
  kinds.forEach((kind) => (counts[kind] += 1));
  const { file, program, directory: directories, symlink: symlinks } = counts;
  return { kinds, files: file + program, directories, symlinks, bytes };
}

/** True where two trees have as much of everything. */
export function isAsLarge(a: TreeSummary, b: TreeSummary): boolean {
  return a.files === b.files && a.directories === b.directories && a.symlinks === b.symlinks && a.bytes === b.bytes;
}

/** The permission bits an entry has in the cache, where nothing is writable; symlinks have none of their own. */
export function publishedMode(kind: TreeKind): number {
  return kind === 'file' ? 0o444 : 0o555;
}

/** Takes a tree apart, in the order of its archive: directories before what is in them, links last. Paths are as in Tree. */
export interface TreeVisitor {
  directory(path: string): void;
  /** The content is `size` bytes from `at` on, as they are during the call. */
  file(path: string, kind: 'file' | 'program', content: FileContent): void;
  symlink(path: string, target: string): void;
}

/** Where the content of a file is: not a Buffer of its own, since thousands of them cost more than what is done with them. */
export interface FileContent {
  readonly bytes: Buffer;
  readonly at: number;
  readonly size: number;
}
