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
  /** Of files; else empty. It shares memory with the stream's chunk, and so lasts until the next one is asked for. */
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
  const reader = new TarReader(options);
  for await (const chunk of source) {
    throwIfAborted(ctx);
    yield reader.read(chunk);
  }
  reader.end();
}

/**
 * The archive from its first block to its last: reads headers and contents in turn, as far as the bytes have come, and
 * remembers which of them comes next. A generator for each piece would need no memory, but there are 13,000 pieces.
 */
class TarReader {
  readonly #options: TarOptions;
  readonly #queue = new ByteQueue();
  /** The header whose content comes next; undefined: a header comes next. */
  #header: TarHeader | undefined;
  /** What the headers before say about the next entry. */
  #overrides: TarOverrides | undefined;
  /** Blocks of zeros: the archive ends with the second one. */
  #zeroBlocks = 0;

  constructor(options: TarOptions) {
    this.#options = options;
  }

  /** The entries that are whole with this chunk. */
  read(chunk: Buffer): readonly TarEntry[] {
    const entries: TarEntry[] = [];
    this.#queue.push(chunk);
    while (this.#zeroBlocks < 2) {
      const header = this.#header;
      const at = this.#queue.take(header === undefined ? blockBytes : padded(header.size));
      if (at === undefined) return entries;
      if (header === undefined) this.#readBlock(this.#queue.bytes, at);
      else this.#readContent(header, this.#queue.bytes.subarray(at, at + header.size), entries);
    }
    if (!isZero(this.#queue.takeRest())) throw trailingJunk();
    return entries;
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
    this.#header = isExtra(header.kind) || this.#overrides === undefined ? header : { ...header, ...this.#overrides };
    assertSize(this.#header, this.#options);
  }

  #readContent(header: TarHeader, content: Buffer, entries: TarEntry[]): void {
    this.#header = undefined;
    const { path, kind, mode, size, linkTarget } = header;
    if (isExtra(kind)) {
      this.#overrides = { ...this.#overrides, ...parseOverrides(kind, content) };
    } else {
      this.#overrides = undefined;
      entries.push({ path, kind, mode, size, linkTarget, content });
    }
  }
}

type ExtraKind = Exclude<TarKind, TarEntry['kind']>;

function isExtra(kind: TarKind): kind is ExtraKind {
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
function assertSize({ kind, path, size }: TarHeader, options: TarOptions): void {
  if (size === 0) return;
  if (isExtra(kind)) {
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
