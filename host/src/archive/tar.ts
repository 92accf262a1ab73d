import { throwIfAborted, type Context } from '../core/context.js';
import { KhError } from '../core/error.js';
import { printable } from '../core/printable.js';
import { ByteQueue, more, type Step } from './byte-queue.js';
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
 * Reads a tar archive: POSIX ustar, GNU and pax with long names; yields the entries each chunk completes. It must be
 * whole: two blocks of zeros end it, and only zeros may follow. tar-stream 3.2.2 is not used here, though as fast,
 * because it accepts an archive without its end, entries behind the end, and names that are not UTF-8; the tests use it
 * to write archives and to compare.
 *
 * @throws KhError `archive-corrupt` with reason `truncated`, `trailing-junk`, `not-tar`, `header-checksum`,
 *   `header-number`, `header-size`, `header-order` or `pax-record`; `archive-refused` with reason `file-size`,
 *   `name-encoding` or `sparse-file`.
 */
export async function* parseTar(
  source: AsyncIterable<Buffer>,
  options: TarOptions,
  ctx: Context,
): AsyncGenerator<readonly TarEntry[], void, undefined> {
  const bytes = new ByteQueue();
  const entries = readEntries(bytes, options);
  for await (const chunk of source) {
    throwIfAborted(ctx);
    bytes.push(chunk);
    yield takeReady(entries);
  }
  bytes.end();
  yield takeReady(entries);
}

/** What can be read of the bytes that are there. */
function takeReady(entries: EntryReader): readonly TarEntry[] {
  const ready: TarEntry[] = [];
  for (let next = entries.next(); next.done !== true && next.value !== more; next = entries.next())
    ready.push(next.value);
  return ready;
}

type EntryReader = Generator<TarEntry | typeof more, void, void>;

/** The archive from its first block to its last, as it reads; a pause wherever bytes are missing. */
function* readEntries(bytes: ByteQueue, options: TarOptions): EntryReader {
  let overrides: TarOverrides | undefined;
  for (;;) {
    const block = yield* bytes.take(blockBytes);
    if (isZero(block)) break;
    const header = parseTarHeader(block);
    if (isExtra(header.kind)) {
      overrides = { ...overrides, ...(yield* readOverrides(bytes, header)) };
    } else {
      yield yield* readEntry(bytes, { ...header, ...overrides, kind: header.kind }, options);
      overrides = undefined;
    }
  }
  if (overrides) throw corrupt('header-order', 'The archive ends after a long name');
  yield* assertEnd(bytes);
}

function isExtra(kind: TarKind): kind is Exclude<TarKind, TarEntry['kind']> {
  return kind === 'long-name' || kind === 'long-link' || kind === 'pax' || kind === 'pax-global';
}

/** What a header about the next entry says. A global pax header may hold a comment, which is how git uses it. */
function* readOverrides(bytes: ByteQueue, header: TarHeader): Step<TarOverrides> {
  if (header.size > extraBytes) throw corrupt('header-size', 'A header of the archive is too long');
  const content = yield* takePadded(bytes, header.size);
  if (header.kind === 'long-name') return { path: parseLongName(content) };
  if (header.kind === 'long-link') return { linkTarget: parseLongName(content) };
  const records = parsePaxRecords(content);
  if (header.kind === 'pax' || Object.keys(records).length === 0) return records;
  throw corrupt('pax-record', 'The archive has one name for all entries');
}

function* readEntry(bytes: ByteQueue, header: Omit<TarEntry, 'content'>, options: TarOptions): Step<TarEntry> {
  if (header.size > options.maxFileBytes) {
    const entry = printable(header.path);
    throw new KhError('archive-refused', `The archive's ${entry} is too large`, { reason: 'file-size', entry });
  }
  // Readers disagree on whether content follows here, so an archive can show each of them a different tree.
  if (header.kind !== 'file' && header.kind !== 'other' && header.size > 0) {
    throw corrupt('header-size', 'A link or directory of the archive has content');
  }
  return { ...header, content: yield* takePadded(bytes, header.size) };
}

function* takePadded(bytes: ByteQueue, size: number): Step<Buffer> {
  const padded = yield* bytes.take(Math.ceil(size / blockBytes) * blockBytes);
  return padded.subarray(0, size);
}

function* assertEnd(bytes: ByteQueue): Step<void> {
  if (!isZero(yield* bytes.take(blockBytes))) throw corrupt('trailing-junk', 'The archive goes on after its end');
  for (let rest = yield* bytes.takeAny(); rest !== undefined; rest = yield* bytes.takeAny()) {
    if (!isZero(rest)) throw corrupt('trailing-junk', 'The archive goes on after its end');
  }
}

function isZero(bytes: Buffer): boolean {
  return (bytes[0] ?? 0) === 0 && bytes.every((byte) => byte === 0);
}
