import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { looksLikeBundle, readBundle } from '../cache/bundle.js';
import { readPieces } from '../cache/files.js';
import type { Cache, Entry } from '../cache/format.js';
import { publish } from '../cache/publish.js';
import { openStaging } from '../cache/staging.js';
import type { Context } from '../core/context.js';
import { KhError, errnoOf, isKhError } from '../core/error.js';
import { tool } from '../core/tool.js';
import { isAsLarge } from '../core/tree.js';
import { looksLikeImage } from '../image/kernel-image.js';
import { findCompression } from '../image/unwrap.js';
import { checkTree } from './check-tree.js';
import { publishImage } from './publish-image.js';
import { holdsImage, readImageFile } from './read-image.js';
import { extractInto, receiveArchive } from './receive.js';

/**
 * Imports a `kheaders.tar.xz` from disk, a bundle that exportEntry() wrote, or the archive in a kernel image or a
 * kheaders.ko (see readImageFile()), and returns the entry. The release is the one the headers name themselves.
 * Errors: `usage` for a file that cannot be opened, `archive-corrupt`, `archive-refused`, `release-mismatch` for an image of
 * another kernel than the headers in it, `disk-full`, `cache-unwritable`, `cancelled`.
 */
export async function importFile(cache: Cache, file: string, ctx: Context): Promise<Entry> {
  const head = await readHead(file);
  if (looksLikeBundle(head)) return importBundle(cache, file, ctx);
  const isXz = findCompression(head) === 'xz';
  if (!isXz && looksLikeImage(head)) return importImage(cache, file, ctx);
  try {
    return await importArchive(cache, file, ctx);
  } catch (error) {
    // What an xz file holds shows only when it is decoded, so the likely is tried before it is looked at.
    if (!isKhError(error, 'archive-corrupt') || !isXz || !(await holdsImage(file, ctx))) throw error;
    return importImage(cache, file, ctx);
  }
}

async function importImage(cache: Cache, file: string, ctx: Context): Promise<Entry> {
  const image = await readImageFile(file, ctx);
  await using staging = await openStaging(cache, ctx);
  return await publishImage(image, staging, undefined, ctx);
}

async function importArchive(cache: Cache, file: string, ctx: Context): Promise<Entry> {
  await using staging = await openStaging(cache, ctx);
  const { archive, tree } = await receiveArchive(readPieces(file), staging, () => Promise.resolve(), ctx);
  const { layout, release } = await checkTree(staging.headersDir, tree, undefined, ctx);
  const facts = {
    release,
    archive,
    source: { kind: 'file' as const, filePath: resolve(file) },
    provenance: {},
    layout,
    createdAt: new Date().toISOString(),
    tool,
  };
  ctx.report({ kind: 'step', step: 'publish' });
  return await publish(staging, facts, tree, ctx);
}

async function importBundle(cache: Cache, file: string, ctx: Context): Promise<Entry> {
  await using staging = await openStaging(cache, ctx);
  const manifest = await readBundle(file, staging, ctx);
  const tree = await extractInto(staging.headersDir, readPieces(staging.archivePath), ctx);
  if (!isAsLarge(tree, manifest.tree)) {
    const details = { path: file, reason: 'tree' };
    throw new KhError(
      'archive-corrupt',
      'The archive in the bundle gives another tree than its manifest says',
      details,
    );
  }
  await checkTree(staging.headersDir, tree, manifest.release, ctx);
  ctx.report({ kind: 'step', step: 'publish' });
  return await publish(staging, manifest, tree, ctx);
}

/** The header of a bzImage, the longest of those that tell a file's kind, has less. */
const headBytes = 1024;

async function readHead(file: string): Promise<Buffer> {
  try {
    await using handle = await open(file, 'r');
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(headBytes), 0, headBytes, 0);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    const reason = errnoOf(error) ?? 'unknown';
    throw new KhError('usage', 'The file cannot be read', { path: file, reason }, error);
  }
}
