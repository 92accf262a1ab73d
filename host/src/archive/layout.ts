import { isRelease } from '@kheaders/shared';
import type { TreeEntry } from '../core/tree.js';

/** What an archive holds, as far as its names tell. */
export interface Layout {
  /**
   * `legacy`: Makefile and scripts/, before the feature was merged: usable as it is to build modules. `config`: with
   * include/config/auto.conf, Linux 5.2 to about 5.4. `headers`: .h files only, everything since (7199ff7d7400).
   */
  readonly kind: 'legacy' | 'config' | 'headers';
  /** The directories below arch/: one in every known archive (`arm64`, `x86`), by the source tree's names. */
  readonly architectures: readonly string[];
  /** The file that defines UTS_RELEASE. */
  readonly utsRelease?: string;
}

/** Newest first: include/linux before 2.6.33, and version.h before 2.6.18. */
const utsReleaseFiles = [
  'include/generated/utsrelease.h',
  'include/linux/utsrelease.h',
  'include/linux/version.h',
] as const;

/** The layout of a tree, or undefined where it holds no kernel headers at all. */
export function findLayout(entries: readonly Pick<TreeEntry, 'path' | 'kind'>[]): Layout | undefined {
  // A list, not a set: a handful of look-ups costs less than making one of thousands of paths.
  const files = entries.filter(({ kind }) => kind !== 'directory').map(({ path }) => path);
  if (!files.some((path) => path.startsWith('include/') && path.endsWith('.h'))) return undefined;
  const architectures = new Set<string>();
  for (const { path } of entries) {
    const name = path.startsWith('arch/') ? /^arch\/([^/]+)\//.exec(path)?.[1] : undefined;
    if (name !== undefined) architectures.add(name);
  }
  const utsRelease = utsReleaseFiles.find((path) => files.includes(path));
  return {
    kind: kindOf(files),
    architectures: [...architectures].sort(),
    ...(utsRelease !== undefined && { utsRelease }),
  };
}

function kindOf(files: readonly string[]): Layout['kind'] {
  if (files.includes('Makefile') && files.some((path) => path.startsWith('scripts/'))) return 'legacy';
  return files.includes('include/config/auto.conf') ? 'config' : 'headers';
}

/** The release in `#define UTS_RELEASE "…"`, or undefined where there is none that could be one. */
export function parseUtsRelease(text: string): string | undefined {
  const release = /^[ \t]*#[ \t]*define[ \t]+UTS_RELEASE[ \t]+"([^"\n]*)"/m.exec(text)?.[1];
  return release !== undefined && isRelease(release) ? release : undefined;
}
