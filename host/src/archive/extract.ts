import { hash } from 'node:crypto';
import { sep } from 'node:path';
import type { Context } from '../core/context.js';
import { KhError } from '../core/error.js';
import { makeTree, publishedMode, type Tree, type TreeEntry } from '../core/tree.js';
import { decodeArchive } from './decode.js';
import type { Limits } from './limits.js';
import { EntryPolicy, type Accepted } from './policy.js';
import { parseTar } from './tar.js';
import { makeTreeWriter, type TreeWriter } from './write-tree.js';

export interface ExtractOptions {
  readonly limits: Limits;
  /** What isCaseInsensitive() says of the target. */
  readonly caseInsensitive: boolean;
  /** Files are created 0444 or 0555 instead of 0644 or 0755; directories stay 0755, or nobody could fill them. */
  readonly readOnly: boolean;
  /** See DecodeOptions.program. */
  readonly xzProgram?: string | undefined;
}

/** Bytes of tar between two progress events. */
const progressBytes = 1024 * 1024;

/**
 * Extracts a kheaders archive (tar in xz) into an existing, empty directory. While one slice is decompressed on a
 * thread, the files of the slice before are written here.
 *
 * The directory is to be thrown away unless the promise is fulfilled: the checks at the end of the archive come after
 * the last file has been written. Reports `progress` of step `extract` in bytes of tar.
 *
 * @throws KhError `archive-corrupt` (decodeArchive, parseTar), `archive-refused` (also EntryPolicy; reason `total-size`),
 *   `disk-full`, `cache-unwritable`, `cancelled`, `timeout`, and whatever source throws.
 */
export async function extractArchive(
  source: AsyncIterable<Uint8Array>,
  target: string,
  options: ExtractOptions,
  ctx: Context,
): Promise<Tree> {
  const { limits, caseInsensitive, readOnly } = options;
  const decoding = {
    memoryLimit: limits.memoryBytes,
    totalBytes: limits.totalBytes,
    program: options.xzProgram,
    // Beside the tree: on its disk, and swept with it.
    scratch: `${target}.tar`,
  };
  const policy = new EntryPolicy({ limits, caseInsensitive, windows: sep === '\\' });
  const writer = makeTreeWriter(target);
  const entries: TreeEntry[] = [];
  const plain = metered(decodeArchive(source, decoding, ctx), limits.totalBytes, ctx);
  for await (const batch of parseTar(plain, { maxFileBytes: limits.fileBytes }, ctx)) {
    for (const entry of batch) {
      for (const accepted of policy.judge(entry)) entries.push(writeEntry(writer, accepted, entry.content, readOnly));
    }
  }
  for (const link of policy.finish()) {
    writer.makeLink(link.path, link.target);
    entries.push({ kind: 'symlink', mode: 0o777, size: 0, ...link });
  }
  return makeTree(entries);
}

function writeEntry(writer: TreeWriter, accepted: Accepted, content: Buffer, readOnly: boolean): TreeEntry {
  const { path, kind, mode } = accepted;
  if (kind === 'directory') {
    writer.makeDirectory(path);
    return { kind, path, mode, size: 0 };
  }
  writer.writeFile(path, readOnly ? publishedMode(accepted) : mode, content);
  return { kind, path, mode, size: content.length, sha256: hash('sha256', content) };
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
