import type { TreeKind } from '../core/tree.js';

export type LinkFault =
  'symlink-absolute' | 'symlink-dangling' | 'symlink-escape' | 'symlink-name' | 'symlink-through-link';

/** The tree a link is judged in. */
export interface LinkTree {
  /** Every path, the root as the empty path. */
  readonly kinds: ReadonlyMap<string, TreeKind>;
  /** Every link's target. */
  readonly targets: ReadonlyMap<string, string>;
  readonly windows: boolean;
}

/** As many as Linux follows in one look-up (MAXSYMLINKS, include/linux/namei.h). */
const maxLinks = 40;

/**
 * Why a link may not be made, or undefined. Its target has to be relative, and every step of it a real directory
 * inside the root, so that walking it as text and walking it on disk come to the same place.
 */
export function findLinkFault(path: string, target: string, tree: LinkTree): LinkFault | undefined {
  let at = path;
  let next = target;
  for (let count = 0; count < maxLinks; count++) {
    const step = followLink(at, next, tree);
    if ('fault' in step) return step.fault;
    const kind = tree.kinds.get(step.path);
    if (kind === undefined) return 'symlink-dangling';
    if (kind !== 'symlink') return undefined;
    at = step.path;
    next = tree.targets.get(at) ?? '';
  }
  return 'symlink-dangling';
}

function followLink(path: string, target: string, tree: LinkTree): { path: string } | { fault: LinkFault } {
  if (target.startsWith('/')) return { fault: 'symlink-absolute' };
  if (target === '' || /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(target)) return { fault: 'symlink-name' };
  if (tree.windows && /[\\:]/.test(target)) return { fault: 'symlink-name' };
  const at = path.split('/').slice(0, -1);
  for (const component of target.split('/')) {
    const here = tree.kinds.get(at.join('/'));
    if (here === 'symlink') return { fault: 'symlink-through-link' };
    if (here !== 'directory') return { fault: 'symlink-dangling' };
    if (component === '..' && at.pop() === undefined) return { fault: 'symlink-escape' };
    if (component !== '..' && component !== '.' && component !== '') at.push(component);
  }
  return { path: at.join('/') };
}
