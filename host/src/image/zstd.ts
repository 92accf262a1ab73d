import { KhError } from '../core/error.js';
import { corruptImage } from './elf.js';

/** Magic numbers, the largest block and field sizes of RFC 8878, section 3.1. */
const frameMagic = 0xfd2fb528;
const skippableMagic = 0x184d2a50;
const maxBlockBytes = 128 * 1024;
const dictionaryIdBytes = [0, 1, 2, 4] as const;

/**
 * Decodes the zstd frames a file begins with, checksums included; what follows them (a kernel image may carry device
 * trees or its size behind) is not looked at. zstddec is libzstd itself as WebAssembly; it neither says how much it would give nor
 * where a frame ends, so both are taken from the block headers before: libzstd then writes into memory of that size.
 *
 * @throws KhError `archive-corrupt` with reason `damaged`, `archive-refused` with reason `file-size`.
 */
export async function decodeZstd(file: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const { end, plainBytes } = measureFrames(file);
  if (plainBytes > maxBytes) {
    throw new KhError('archive-refused', 'The zstd file is too large', { reason: 'file-size' });
  }
  const { ZSTDDecoder } = await import('zstddec');
  const decoder = new ZSTDDecoder();
  await decoder.init();
  const plain = plainBytes === 0 ? new Uint8Array(0) : decoder.decode(file.subarray(0, end), plainBytes);
  // It answers an error with nothing.
  if (plain.length === 0) throw damaged();
  return plain;
}

/** Where the frames end, and how many bytes they give at most. */
function measureFrames(file: Uint8Array): { readonly end: number; readonly plainBytes: number } {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let at = 0;
  let plainBytes = 0;
  while (at + 8 <= file.length) {
    const magic = view.getUint32(at, true);
    if ((magic & 0xfffffff0) >>> 0 === skippableMagic) {
      at += 8 + view.getUint32(at + 4, true);
    } else if (magic === frameMagic) {
      const frame = measureFrame(view, at);
      at = frame.end;
      plainBytes += frame.plainBytes;
    } else {
      break;
    }
  }
  if (at > file.length || at === 0) throw damaged();
  return { end: at, plainBytes };
}

function measureFrame(view: DataView, start: number): { readonly end: number; readonly plainBytes: number } {
  const descriptor = view.getUint8(start + 4);
  const single = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >> 6;
  const sizeBytes = sizeFlag === 0 ? Number(single) : 1 << sizeFlag;
  let at = start + 5 + (single ? 0 : 1) + (dictionaryIdBytes[descriptor & 3] ?? 0) + sizeBytes;
  let plainBytes = 0;
  for (let last = false; !last;) {
    if (at + 3 > view.byteLength) throw damaged();
    const header = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
    const [type, size] = [(header >> 1) & 3, header >> 3];
    last = (header & 1) !== 0;
    at += 3 + (type === 1 ? 1 : size);
    plainBytes += type === 2 ? maxBlockBytes : size;
  }
  const end = at + ((descriptor & 4) !== 0 ? 4 : 0);
  if (end > view.byteLength) throw damaged();
  return { end, plainBytes };
}

function damaged(): KhError {
  return corruptImage('damaged', 'The file is not a whole zstd file');
}
