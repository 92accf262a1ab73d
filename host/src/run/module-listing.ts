import { moduleRoots } from '@kheaders/shared';

/** Twice what the phones with most modules have. */
const fileLimit = 2000;

/** Lists module files below all known folders; a root may be a link to another. */
export const moduleListScript = `find ${moduleRoots.map((root) => `${root}/`).join(' ')} -name '*.ko*' -type f 2>/dev/null; true`;

const form = /^\/[A-Za-z0-9._+~/,@=-]{1,500}\/([A-Za-z0-9_+.-]{1,128})\.ko(\.(gz|xz|zst|lz4))?$/;

/**
 * The paths in the output of moduleListScript, in the order of the roots; the first of files with one name. Others than
 * such paths are dropped, and those beyond 2000.
 */
export function parseModuleList(output: string): readonly string[] {
  const byName = new Map<string, string>();
  for (const line of output.split('\n')) {
    const path = line.trim().replaceAll('//', '/');
    const name = form.exec(path)?.[1];
    if (name === undefined || path.includes('..') || !moduleRoots.some((root) => path.startsWith(`${root}/`))) continue;
    if (!byName.has(name) && byName.size < fileLimit) byName.set(name, path);
  }
  return [...byName.values()];
}
