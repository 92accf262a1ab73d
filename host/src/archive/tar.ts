import { throwIfAborted, type Context } from '../core/context.js';
import { KhError } from '../core/error.js';
import { printable } from '../core/printable.js';
import { ByteQueue } from './byte-queue.js';
import { corrupt, parseLongName, parsePaxRecords, parseTarHeader } from './tar-header.js';
import type { TarHeader, TarKind, TarOverrides } from './tar-header.js';

const blockBytes = 512;

/** A pax header or a long name is a few hundred bytes; nothing sensible has more than this. */
const extraBytes = 64 * 1024;

/** One member of a tar archive: untrusted, for the policy to judge. */
export interface TarEntry {
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'symlink' | 'hardlink' | 'other';
  /** The permission bits. */
  readonly mode: number;
  /** Bytes. */
  readonly size: number;
  /** Of links; else empty. */
  readonly linkTarget: string;
  /** Of files; else empty. It shares memory with the stream's chunk. */
  readonly content: Buffer;
}

export interface TarOptions {
  /** Bytes one member may have: it is held in memory. */
  readonly maxFileBytes: number;
}

/**
 * Reads a tar archive: POSIX ustar, GNU and pax with long names. It must be whole: two blocks of zeros end it, and only
 * zeros may follow. tar-stream 3.2.2 is not used here, though as fast, because it accepts an archive without its end,
 * entries behind the end, and names that are not UTF-8; the tests use it to write archives and to compare.
 *
 * @throws KhError `archive-corrupt` with reason `truncated`, `trailing-junk`, `not-tar`, `header-checksum`,
 *   `header-number`, `header-size`, `header-order` or `pax-record`; `archive-refused` with reason `file-size`,
 *   `name-encoding` or `sparse-file`.
 */
export async function* parseTar(
  source: AsyncIterable<Buffer>,
  options: TarOptions,
  ctx: Context,
): AsyncGenerator<TarEntry, void, undefined> {
  await using bytes = new ByteQueue(source);
  let overrides: TarOverrides | undefined;
  for (;;) {
    throwIfAborted(ctx);
    const block = await bytes.take(blockBytes);
    if (isZero(block)) break;
    const header = parseTarHeader(block);
    if (isExtra(header.kind)) {
      overrides = { ...overrides, ...(await readOverrides(bytes, header)) };
    } else {
      yield await readEntry(bytes, { ...header, ...overrides, kind: header.kind }, options);
      overrides = undefined;
    }
  }
  if (overrides) throw corrupt('header-order', 'The archive ends after a long name');
  await assertEnd(bytes);
}

function isExtra(kind: TarKind): kind is Exclude<TarKind, TarEntry['kind']> {
  return kind === 'long-name' || kind === 'long-link' || kind === 'pax' || kind === 'pax-global';
}

/** What a header about the next entry says. A global pax header may hold a comment, which is how git uses it. */
async function readOverrides(bytes: ByteQueue, header: TarHeader): Promise<TarOverrides> {
  if (header.size > extraBytes) throw corrupt('header-size', 'A header of the archive is too long');
  const content = await takePadded(bytes, header.size);
  if (header.kind === 'long-name') return { path: parseLongName(content) };
  if (header.kind === 'long-link') return { linkTarget: parseLongName(content) };
  const records = parsePaxRecords(content);
  if (header.kind === 'pax' || Object.keys(records).length === 0) return records;
  throw corrupt('pax-record', 'The archive has one name for all entries');
}

async function readEntry(bytes: ByteQueue, header: Omit<TarEntry, 'content'>, options: TarOptions): Promise<TarEntry> {
  if (header.size > options.maxFileBytes) {
    const entry = printable(header.path);
    throw new KhError('archive-refused', `The archive's ${entry} is too large`, { reason: 'file-size', entry });
  }
  // Readers disagree on whether content follows here, so an archive can show each of them a different tree.
  if (header.kind !== 'file' && header.kind !== 'other' && header.size > 0) {
    throw corrupt('header-size', 'A link or directory of the archive has content');
  }
  return { ...header, content: await takePadded(bytes, header.size) };
}

async function takePadded(bytes: ByteQueue, size: number): Promise<Buffer> {
  const padded = await bytes.take(Math.ceil(size / blockBytes) * blockBytes);
  return padded.subarray(0, size);
}

async function assertEnd(bytes: ByteQueue): Promise<void> {
  if (!isZero(await bytes.take(blockBytes))) throw corrupt('trailing-junk', 'The archive goes on after its end');
  for await (const chunk of bytes.rest()) {
    if (!isZero(chunk)) throw corrupt('trailing-junk', 'The archive goes on after its end');
  }
}

function isZero(bytes: Buffer): boolean {
  return (bytes[0] ?? 0) === 0 && bytes.every((byte) => byte === 0);
}
