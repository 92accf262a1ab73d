import { KhError } from '../core/error.js';

const headerBytes = 24;
const magic = 0xeb9f;

/**
 * Makes sure that bytes are a kernel's BTF: the header of include/uapi/linux/btf.h (magic, version, flags, hdr_len,
 * type_off, type_len, str_off, str_len), both sections inside the file, names ended. Phones are little-endian.
 * Errors: `device-failed` with what is wrong.
 */
export function assertBtf(bytes: Uint8Array): void {
  const problem = findProblem(new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
  if (problem !== undefined) throw new KhError('device-failed', 'What the phone gave is no BTF', { reason: problem });
}

function findProblem(view: DataView): string | undefined {
  if (view.byteLength < headerBytes) return 'it is shorter than its header';
  if (view.getUint16(0, true) !== magic) return 'its magic is not 0xeB9F';
  if (view.getUint8(2) !== 1) return 'it is not of version 1';
  const header = view.getUint32(4, true);
  if (header < headerBytes || header > view.byteLength) return 'its header has a wrong length';
  const [typeOffset, typeLength, nameOffset, nameLength] = [8, 12, 16, 20].map((at) => view.getUint32(at, true)) as [
    number,
    number,
    number,
    number,
  ];
  const rest = view.byteLength - header;
  if (typeOffset + typeLength > rest || typeLength % 4 !== 0 || typeLength === 0) return 'its types leave the file';
  if (nameOffset + nameLength > rest || nameLength === 0) return 'its names leave the file';
  const names = header + nameOffset;
  const ended = view.getUint8(names) === 0 && view.getUint8(names + nameLength - 1) === 0;
  return ended ? undefined : 'its names are not ended';
}
