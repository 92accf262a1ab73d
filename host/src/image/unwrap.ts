import { decodeXzStream } from '../archive/xz-stream.js';
import type { Context } from '../core/context.js';
import { KhError } from '../core/error.js';
import { decodeGzip } from './gzip.js';
import { decodeLz4 } from './lz4.js';
import { decodeZstd } from './zstd.js';

/** A kheaders.ko has 4 MB, a kernel image 10 to 60; this is what a hostile file may grow to. */
const maxPlainBytes = 256 * 1024 * 1024;

/** `xz -9` needs 65 MiB for its dictionary. */
const maxXzMemory = 128 * 1024 * 1024;

/** How compressed modules and images begin (scripts/extract-vmlinux of Linux). */
const magics = [
  { name: 'gzip', magic: [0x1f, 0x8b] },
  { name: 'xz', magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00] },
  { name: 'zstd', magic: [0x28, 0xb5, 0x2f, 0xfd] },
  { name: 'lz4', magic: [0x04, 0x22, 0x4d, 0x18] },
  { name: 'lz4', magic: [0x02, 0x21, 0x4c, 0x18] },
  { name: 'bzip2', magic: [0x42, 0x5a, 0x68] },
  { name: 'lzma', magic: [0x5d, 0x00, 0x00, 0x00] },
  { name: 'lzo', magic: [0x89, 0x4c, 0x5a, 0x4f] },
] as const;

export type Compression = (typeof magics)[number]['name'];

/** The compression a file begins like; undefined where it begins like none. */
export function findCompression(file: Uint8Array): Compression | undefined {
  return magics.find(({ magic }) => magic.every((byte, index) => file[index] === byte))?.name;
}

/**
 * A kernel module or image without its compression: gzip, xz, zstd or lz4, one layer; the bytes themselves where there is
 * none. What follows the compressed part is not looked at: device trees may be appended, or the plain size.
 *
 * @throws KhError `archive-refused` with reason `compression` for another one (`actual` names it), `file-size` for one
 *   that grows too large, `memory-limit`; `archive-corrupt` with reason `damaged`, `truncated` or another of xz's; `cancelled`.
 */
export async function unwrap(file: Uint8Array, ctx: Context, maxBytes = maxPlainBytes): Promise<Uint8Array> {
  const name = findCompression(file);
  switch (name) {
    case undefined:
      return file;
    case 'gzip':
      return decodeGzip(file, maxBytes);
    case 'xz':
      return undoXz(file, maxBytes, ctx);
    case 'zstd':
      return decodeZstd(file, maxBytes);
    case 'lz4':
      return decodeLz4(file, maxBytes);
    default:
      throw new KhError('archive-refused', `The file is compressed with ${name}, which kheaders cannot undo`, {
        reason: 'compression',
        actual: name,
      });
  }
}

async function undoXz(file: Uint8Array, totalBytes: number, ctx: Context): Promise<Uint8Array> {
  const pieces: Buffer[] = [];
  const limits = { memoryLimit: maxXzMemory, totalBytes };
  for await (const piece of decodeXzStream(file, limits, ctx)) pieces.push(piece);
  return Buffer.concat(pieces);
}
