import { KhError } from '../core/error.js';
import { corruptImage } from './elf.js';
import { GrowingBytes, decodeLz4Block } from './lz4-block.js';
import { hashXx32 } from './xx-hash.js';

/** Magic numbers and block sizes of the LZ4 Frame Format Description 1.6.4. */
const frameMagic = 0x184d2204;
const legacyMagic = 0x184c2102;
const legacyBlockBytes = 8 * 1024 * 1024;

/** What lz4 may make of a block that does not compress (LZ4_COMPRESSBOUND). */
const maxLegacyBytes = legacyBlockBytes + Math.ceil(legacyBlockBytes / 255) + 16;

/**
 * Decodes the lz4 file that bytes begin with: the frame format, checksums included, or the legacy format, which is what
 * `lz4 -l` writes and a kernel's Image.lz4 is. What follows it is not looked at. The legacy format has neither an end mark nor a
 * checksum: a file cut between two blocks of 8 MiB passes.
 *
 * @throws KhError `archive-corrupt` with reason `damaged`, `archive-refused` with reason `file-size`.
 */
export function decodeLz4(file: Uint8Array, maxBytes: number): Uint8Array {
  const reader = new Reader(file);
  const output = new GrowingBytes(maxBytes);
  const magic = reader.word();
  if (magic === legacyMagic) decodeLegacy(reader, output);
  else if (magic === frameMagic) decodeFrame(reader, output);
  else throw damaged();
  return output.view();
}

class Reader {
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.at;
  }

  take(count: number): Uint8Array {
    if (count > this.left) throw damaged();
    this.at += count;
    return this.#bytes.subarray(this.at - count, this.at);
  }

  word(): number {
    const bytes = this.take(4);
    return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  }

  back(count: number): Uint8Array {
    return this.#bytes.subarray(this.at - count, this.at);
  }
}

/** Every block but the last gives 8 MiB, so behind a shorter one, or at a size no block has, is something else. */
function decodeLegacy(reader: Reader, output: GrowingBytes): void {
  for (let first = true; first || reader.left >= 4; first = false) {
    const size = reader.word();
    if (!first && size > maxLegacyBytes) return;
    const start = output.length;
    append(reader.take(size), output, start);
    if (output.length - start > legacyBlockBytes) throw damaged();
    if (output.length - start < legacyBlockBytes) return;
  }
}

function decodeFrame(reader: Reader, output: GrowingBytes): void {
  const { independent, blockChecksum, contentBytes, contentChecksum, blockBytes } = readDescriptor(reader);
  for (let size = reader.word(); size !== 0; size = reader.word()) {
    const stored = size >= 0x80000000;
    const block = reader.take(stored ? size - 0x80000000 : size);
    const start = output.length;
    if (!stored) append(block, output, independent ? start : 0);
    else if (!output.append(block)) throw tooLarge();
    if (output.length - start > blockBytes) throw damaged();
    if (blockChecksum && reader.word() !== hashXx32(block)) throw damaged();
  }
  if (contentChecksum && reader.word() !== hashXx32(output.view())) throw damaged();
  if (contentBytes !== undefined && contentBytes !== BigInt(output.length)) throw damaged();
}

function readDescriptor(reader: Reader) {
  const start = reader.at;
  const [flags = 0, sizes = 0] = reader.take(2);
  const content = (flags & 8) !== 0 ? reader.take(8) : undefined;
  // A dictionary would be needed that nobody has; versions other than 1 do not exist.
  if (flags >> 6 !== 1 || (flags & 3) !== 0 || (sizes & 0x8f) !== 0 || sizes >> 4 < 4) throw damaged();
  const descriptor = reader.back(reader.at - start);
  if (reader.take(1)[0] !== ((hashXx32(descriptor) >>> 8) & 0xff)) throw damaged();
  return {
    independent: (flags & 0x20) !== 0,
    blockChecksum: (flags & 0x10) !== 0,
    contentChecksum: (flags & 4) !== 0,
    contentBytes: content && new DataView(content.buffer, content.byteOffset, 8).getBigUint64(0, true),
    blockBytes: 1 << (2 * (sizes >> 4) + 8),
  };
}

function append(block: Uint8Array, output: GrowingBytes, historyStart: number): void {
  const outcome = decodeLz4Block(block, output, historyStart);
  if (outcome === 'full') throw tooLarge();
  if (outcome === 'damaged') throw damaged();
}

function damaged(): KhError {
  return corruptImage('damaged', 'The file is not a whole lz4 file');
}

function tooLarge(): KhError {
  return new KhError('archive-refused', 'The lz4 file is too large', { reason: 'file-size' });
}
