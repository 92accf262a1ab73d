import { sep } from 'node:path';
import type { Context } from '../core/context.js';
import { KhError } from '../core/error.js';
import { makeTree, publishedMode, type Tree, type TreeVisitor } from '../core/tree.js';
import { decodeArchive } from './decode.js';
import type { Limits } from './limits.js';
import { EntryPolicy } from './policy.js';
import { parseTar, type TakeEntry } from './tar.js';
import { TreeWriter } from './write-tree.js';

export interface WalkOptions {
  readonly limits: Limits;
  /** What isCaseInsensitive() says of the target. */
  readonly caseInsensitive: boolean;
  /** See DecodeOptions.program; `scratch` is where it may put the plain archive. */
  readonly xz?: { readonly program: string; readonly scratch: string } | undefined;
}

export interface ExtractOptions extends Omit<WalkOptions, 'xz'> {
  /** See DecodeOptions.program. */
  readonly xzProgram?: string | undefined;
}

/** Bytes of tar between two progress events. */
const progressBytes = 1024 * 1024;

/** Files are made as they are published; directories stay 0755, or nobody could fill them. */
const modes = { file: publishedMode('file'), program: publishedMode('program') };

/**
 * Extracts a kheaders archive (tar in xz) into an existing, empty directory, which is to be thrown away unless the promise
 * is fulfilled: the checks at the end of the archive come after the last file has been written.
 *
 * @throws KhError as walkArchive(), and `disk-full`, `cache-unwritable`.
 */
export async function extractArchive(
  source: AsyncIterable<Uint8Array>,
  target: string,
  { xzProgram, ...options }: ExtractOptions,
  ctx: Context,
): Promise<Tree> {
  // Beside the tree: on its disk, and swept with it.
  const xz = xzProgram === undefined ? undefined : { program: xzProgram, scratch: `${target}.tar` };
  return walkArchive(source, { ...options, xz }, new TreeWriter(target, modes), ctx);
}

/**
 * Shows the visitor everything in a kheaders archive that the policy accepts, and returns the whole as a list. While one
 * slice is decompressed on a thread, the visitor sees the files of the slice before. What it was shown counts only once the
 * promise is fulfilled. Reports `progress` of step `extract` in bytes of tar.
 *
 * @throws KhError `archive-corrupt` (decodeArchive, parseTar), `archive-refused` (also EntryPolicy; reason `total-size`),
 *   `cancelled`, `timeout`, and whatever source and visitor throw.
 */
export async function walkArchive(
  source: AsyncIterable<Uint8Array>,
  { limits, caseInsensitive, xz }: WalkOptions,
  visitor: TreeVisitor,
  ctx: Context,
): Promise<Tree> {
  const decoding = {
    memoryLimit: limits.memoryBytes,
    totalBytes: limits.totalBytes,
    program: xz?.program,
    scratch: xz?.scratch ?? '',
  };
  const policy = new EntryPolicy({ limits, caseInsensitive, windows: sep === '\\' });
  const plain = metered(decodeArchive(source, decoding, ctx), limits.totalBytes, ctx);
  let total = 0;
  const take: TakeEntry = (entry, bytes, at) => {
    const { parents, path, kind } = policy.judge(entry);
    for (const parent of parents) visitor.directory(parent);
    if (kind === 'directory') visitor.directory(path);
    if (kind !== 'file' && kind !== 'program') return;
    visitor.file(path, kind, { bytes, at, size: entry.size });
    total += entry.size;
  };
  await parseTar(plain, { maxFileBytes: limits.fileBytes }, take, ctx);
  const { links, kinds } = policy.finish();
  for (const { path, target } of links) visitor.symlink(path, target);
  return makeTree(kinds, total);
}

/** The same chunks, counted: reports progress, and ends a stream that is longer than allowed. */
async function* metered(
  source: AsyncIterable<Buffer>,
  limit: number,
  ctx: Context,
): AsyncGenerator<Buffer, void, undefined> {
  let done = 0;
  let reported = 0;
  for await (const chunk of source) {
    done += chunk.length;
    if (done > limit) throw new KhError('archive-refused', 'The archive is too large', { reason: 'total-size' });
    yield chunk;
    if (done - reported < progressBytes) continue;
    reported = done;
    ctx.report({ kind: 'progress', step: 'extract', done });
  }
  if (done > reported) ctx.report({ kind: 'progress', step: 'extract', done });
}
