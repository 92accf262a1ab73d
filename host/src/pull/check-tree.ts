import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findLayout, parseUtsRelease } from '../archive/layout.js';
import type { Layout } from '../cache/manifest.js';
import type { Context } from '../core/context.js';
import { KhError } from '../core/error.js';
import type { Tree } from '../core/tree.js';

export interface TreeFacts {
  readonly layout: Layout;
  /** UTS_RELEASE of the tree itself. */
  readonly release: string;
}

/**
 * Looks into an extracted tree: are these kernel headers, and of which release? `expected` is the phone's release; a
 * file imported from disk has none. Errors: `archive-refused` (reason `no-headers`, `no-release`), `release-mismatch`.
 */
export async function checkTree(
  headersDir: string,
  tree: Tree,
  expected: string | undefined,
  ctx: Context,
): Promise<TreeFacts> {
  ctx.report({ kind: 'step', step: 'check' });
  const layout = findLayout(tree.kinds);
  if (layout === undefined) {
    throw new KhError('archive-refused', 'The archive holds no kernel headers', { reason: 'no-headers' });
  }
  const text = layout.utsRelease === undefined ? '' : await readFile(join(headersDir, layout.utsRelease), 'utf8');
  const release = parseUtsRelease(text);
  if (release === undefined) {
    throw new KhError('archive-refused', 'The headers do not say which kernel they are of', { reason: 'no-release' });
  }
  if (expected !== undefined && release !== expected) {
    const details = { expected, actual: release, release: expected };
    throw new KhError('release-mismatch', 'The headers are of another kernel than the phone runs', details);
  }
  return { layout: layout.kind, release };
}
