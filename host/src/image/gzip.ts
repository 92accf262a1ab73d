import { promisify } from 'node:util';
import { type InputType, type ZlibOptions, crc32, inflateRaw } from 'node:zlib';
import { KhError } from '../core/error.js';
import { corruptImage } from './elf.js';

/** Flags of the header, RFC 1952 section 2.3.1. */
const [hasHeaderCrc, hasExtra, hasName, hasComment, reservedFlags] = [2, 4, 8, 16, 0xe0] as const;
const deflated = 8;

/** With `info` it also says how much of its input it took; Node's types do not know. */
const inflate = promisify(inflateRaw) as unknown as (
  input: InputType,
  options: ZlibOptions & { readonly info: true },
) => Promise<{ readonly buffer: Buffer; readonly engine: { readonly bytesWritten: number } }>;

/**
 * Decodes the gzip member that bytes begin with, checksum included; what follows it is not looked at. Node's own gunzip
 * refuses a file with something behind, as old kernels have their device trees.
 *
 * @throws KhError `archive-corrupt` with reason `damaged`, `archive-refused` with reason `file-size`.
 */
export async function decodeGzip(file: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const body = file.subarray(headerBytes(file));
  try {
    const { buffer, engine } = await inflate(body, { maxOutputLength: maxBytes, info: true });
    const trailer = body.subarray(engine.bytesWritten, engine.bytesWritten + 8);
    if (trailer.length < 8) throw damaged();
    const view = new DataView(trailer.buffer, trailer.byteOffset, 8);
    if (view.getUint32(0, true) !== crc32(buffer) || view.getUint32(4, true) !== buffer.length) throw damaged();
    return buffer;
  } catch (error) {
    if (error instanceof KhError) throw error;
    if (!(error instanceof RangeError)) throw damaged();
    throw new KhError('archive-refused', 'The gzip file is too large', { reason: 'file-size' }, error);
  }
}

function headerBytes(file: Uint8Array): number {
  const flags = file[3] ?? reservedFlags;
  if (file[0] !== 0x1f || file[1] !== 0x8b || file[2] !== deflated || (flags & reservedFlags) !== 0) throw damaged();
  let at = 10;
  if ((flags & hasExtra) !== 0) at += 2 + (file[at] ?? 0) + 256 * (file[at + 1] ?? 0);
  for (const flag of [hasName, hasComment]) {
    if ((flags & flag) === 0) continue;
    const end = file.indexOf(0, at);
    if (end < 0) throw damaged();
    at = end + 1;
  }
  return (flags & hasHeaderCrc) === 0 ? at : at + 2;
}

function damaged(): KhError {
  return corruptImage('damaged', 'The file is not a whole gzip file');
}
