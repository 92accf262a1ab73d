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
export type TarEntry = TarHeader & { readonly kind: Exclude<TarKind, ExtraKind> };

/** Is given each member and where its content begins: `size` bytes, which last as long as the call. */
export type TakeEntry = (entry: TarEntry, bytes: Buffer, at: number) => void;

export interface TarOptions {
  /** Bytes one member may have: it is held in memory. */
  readonly maxFileBytes: number;
}

/**
 * Reads a tar archive: POSIX ustar, GNU and pax with long names; gives each entry to `take` as soon as it is whole. It must be
 * whole: two blocks of zeros end it, and only zeros may follow. tar-stream 3.2.2 is not used here, though as fast,
 * because it accepts an archive without its end, entries behind the end, and names that are not UTF-8; the tests use it
 * to write archives and to compare.
 *
 * @throws KhError `archive-corrupt` with reason `truncated`, `trailing-junk`, `not-tar`, `header-checksum`,
 *   `header-number`, `header-size`, `header-order` or `pax-record`; `archive-refused` with reason `file-size`,
 *   `name-encoding` or `sparse-file`; and what `take` throws.
 */
export async function parseTar(
  source: AsyncIterable<Buffer>,
  options: TarOptions,
  take: TakeEntry,
  ctx: Context,
): Promise<void> {
  const reader = new TarReader(options, take);
  for await (const chunk of source) {
    throwIfAborted(ctx);
    reader.read(chunk);
  }
  reader.end();
}

/**
 * The archive from its first block to its last: reads headers and contents in turn, as far as the bytes have come, and
 * remembers which of them comes next. A generator for each piece would need no memory, but there are 13,000 pieces.
 */
class TarReader {
  readonly #options: TarOptions;
  readonly #take: TakeEntry;
  readonly #queue = new ByteQueue();
  /** The header whose content comes next; undefined: a header comes next. */
  #header: TarHeader | undefined;
  /** What the headers before say about the next entry. */
  #overrides: TarOverrides | undefined;
  /** Blocks of zeros: the archive ends with the second one. */
  #zeroBlocks = 0;

  constructor(options: TarOptions, take: TakeEntry) {
    this.#options = options;
    this.#take = take;
  }

  /** Takes the entries that are whole with this chunk. */
  read(chunk: Buffer): void {
    const queue = this.#queue;
    queue.push(chunk);
    while (this.#zeroBlocks < 2) {
      const header = this.#header;
      const at = queue.take(header === undefined ? blockBytes : padded(header.size));
      if (at === undefined) return;
      if (header === undefined) this.#readBlock(queue.bytes, at);
      else this.#readContent(header, queue.bytes, at);
    }
    if (!isZero(queue.takeRest())) throw trailingJunk();
  }

  /** No more chunks will come. */
  end(): void {
    if (this.#zeroBlocks < 2) throw corrupt('truncated', 'The archive ends too early');
  }

  #readBlock(bytes: Buffer, at: number): void {
    // Names do not begin with a zero, so few blocks are looked at byte by byte.
    if (bytes[at] === 0 && isZero(bytes.subarray(at, at + blockBytes))) {
      if (this.#overrides) throw corrupt('header-order', 'The archive ends after a long name');
      this.#zeroBlocks++;
      return;
    }
    if (this.#zeroBlocks > 0) throw trailingJunk();
    const header = parseTarHeader(bytes, at);
    this.#header = isExtra(header) || this.#overrides === undefined ? header : { ...header, ...this.#overrides };
    assertSize(this.#header, this.#options);
  }

  #readContent(header: TarHeader, bytes: Buffer, at: number): void {
    this.#header = undefined;
    if (isExtra(header)) {
      const content = bytes.subarray(at, at + header.size);
      this.#overrides = { ...this.#overrides, ...parseOverrides(header.kind, content) };
    } else {
      this.#overrides = undefined;
      this.#take(header as TarEntry, bytes, at);
    }
  }
}

/** Kinds of headers that only say something of the next one. */
type ExtraKind = 'long-name' | 'long-link' | 'pax' | 'pax-global';

function isExtra(header: TarHeader): header is TarHeader & { readonly kind: ExtraKind } {
  const { kind } = header;
  return kind === 'long-name' || kind === 'long-link' || kind === 'pax' || kind === 'pax-global';
}

/** What a header about the next entry says. A global pax header may hold a comment, which is how git uses it. */
function parseOverrides(kind: ExtraKind, content: Buffer): TarOverrides {
  if (kind === 'long-name') return { path: parseLongName(content) };
  if (kind === 'long-link') return { linkTarget: parseLongName(content) };
  const records = parsePaxRecords(content);
  if (kind === 'pax' || Object.keys(records).length === 0) return records;
  throw corrupt('pax-record', 'The archive has one name for all entries');
}

/** Refuses a size before its bytes are waited for. */
function assertSize(header: TarHeader, options: TarOptions): void {
  const { kind, path, size } = header;
  if (size === 0) return;
  if (isExtra(header)) {
    if (size > extraBytes) throw corrupt('header-size', 'A header of the archive is too long');
    return;
  }
  if (size > options.maxFileBytes) {
    const entry = printable(path);
    throw new KhError('archive-refused', `The archive's ${entry} is too large`, { reason: 'file-size', entry });
  }
  // Readers disagree on whether content follows here, so an archive can show each of them a different tree.
  if (kind !== 'file' && kind !== 'other') {
    throw corrupt('header-size', 'A link or directory of the archive has content');
  }
}

/** A size in whole blocks. */
function padded(size: number): number {
  return Math.ceil(size / blockBytes) * blockBytes;
}

function trailingJunk(): KhError {
  return corrupt('trailing-junk', 'The archive goes on after its end');
}

function isZero(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}
