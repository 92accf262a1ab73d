import { isRelease } from '@kheaders/shared';
import type { TreeKind } from '../core/tree.js';

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
export function findLayout(kinds: ReadonlyMap<string, TreeKind>): Layout | undefined {
  const isFile = (path: string): boolean => kinds.has(path) && kinds.get(path) !== 'directory';
  const architectures = new Set<string>();
  let hasHeaders = false;
  let hasScripts = false;
  for (const path of kinds.keys()) {
    if (path.startsWith('include/')) hasHeaders ||= path.endsWith('.h') && isFile(path);
    else if (path.startsWith('scripts/')) hasScripts ||= isFile(path);
    else if (path.startsWith('arch/')) {
      const [, name = '', below] = path.split('/', 3);
      if (below !== undefined) architectures.add(name);
    }
  }
  if (!hasHeaders) return undefined;
  const isLegacy = hasScripts && isFile('Makefile');
  const utsRelease = utsReleaseFiles.find(isFile);
  return {
    kind: isLegacy ? 'legacy' : isFile('include/config/auto.conf') ? 'config' : 'headers',
    architectures: [...architectures].sort(),
    ...(utsRelease !== undefined && { utsRelease }),
  };
}

/** The release in `#define UTS_RELEASE "…"`, or undefined where there is none that could be one. */
export function parseUtsRelease(text: string): string | undefined {
  const release = /^[ \t]*#[ \t]*define[ \t]+UTS_RELEASE[ \t]+"([^"\n]*)"/m.exec(text)?.[1];
  return release !== undefined && isRelease(release) ? release : undefined;
}
