import { KhError } from '../core/error.js';

export type TarKind =
  'file' | 'directory' | 'symlink' | 'hardlink' | 'long-name' | 'long-link' | 'pax' | 'pax-global' | 'other';

/** One 512-byte header block, as it stands. */
export interface TarHeader {
  readonly path: string;
  readonly kind: TarKind;
  /** The permission bits. */
  readonly mode: number;
  /** Bytes of content that follow. */
  readonly size: number;
  readonly linkTarget: string;
}

/** What pax records and GNU long names say about the next entry. */
export interface TarOverrides {
  readonly path?: string;
  readonly linkTarget?: string;
  readonly size?: number;
}

/** The failure of an archive that does not keep to the format; reason is a stable word. */
export function corrupt(reason: string, message: string): KhError {
  return new KhError('archive-corrupt', message, { reason });
}

/** `usta`, and what follows it: `r`, NUL, `00` in POSIX; `r`, two blanks, NUL in GNU. */
const magic = { start: 0x75737461, posix: 0x72003030, gnu: 0x72202000 } as const;

/**
 * Parses the header block at a place of a POSIX ustar or GNU archive. Facts: GNU tar 1.34 manual, section 15.1 (basic
 * tar format), and POSIX.1-2017, pax, "ustar Interchange Format".
 *
 * @throws KhError `archive-corrupt` with reason `not-tar`, `header-checksum` or `header-number`.
 */
export function parseTarHeader(bytes: Buffer, at: number): TarHeader {
  const format = bytes.readUInt32BE(at + 261);
  const isTar = bytes.readUInt32BE(at + 257) === magic.start && (format === magic.posix || format === magic.gnu);
  if (!isTar) throw corrupt('not-tar', 'The archive holds no tar');
  if (checksum(bytes, at) !== parseNumber(bytes, at + 148, 8)) {
    throw corrupt('header-checksum', 'A header of the archive has a wrong checksum');
  }
  const name = text(bytes, at, 100);
  // GNU tar keeps times and sparse maps where POSIX has the prefix.
  const hasPrefix = format === magic.posix && bytes[at + 345] !== 0;
  return {
    path: hasPrefix ? `${text(bytes, at + 345, 155)}/${name}` : name,
    kind: kindOf(bytes[at + 156] ?? 0),
    mode: parseNumber(bytes, at + 100, 8) & 0o7777,
    size: parseNumber(bytes, at + 124, 12),
    linkTarget: bytes[at + 157] === 0 ? '' : text(bytes, at + 157, 100),
  };
}

/** The sum of all bytes of a block, the checksum's own eight counted as blanks. */
function checksum(bytes: Buffer, at: number): number {
  let sum = 8 * 0x20;
  for (let index = at; index < at + 148; index++) sum += bytes[index] ?? 0;
  for (let index = at + 156; index < at + 512; index++) sum += bytes[index] ?? 0;
  return sum;
}

/** Octal digits ended by a blank or NUL or, with the top bit set, GNU's big-endian binary. */
function parseNumber(bytes: Buffer, offset: number, length: number): number {
  const end = offset + length;
  if (bytes[offset] === 0x80) {
    const value = bytes.readUIntBE(end - 6, 6);
    if (bytes.subarray(offset + 1, end - 6).every((byte) => byte === 0)) return value;
  }
  let at = offset;
  while (at < end && bytes[at] === 0x20) at++;
  const start = at;
  let value = 0;
  for (; at < end; at++) {
    const digit = (bytes[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  const hasDigits = at > start;
  while (at < end && (bytes[at] === 0x20 || bytes[at] === 0)) at++;
  if (hasDigits && at === end) return value;
  throw corrupt('header-number', 'A header of the archive holds a wrong number');
}

function kindOf(flag: number): TarKind {
  switch (String.fromCharCode(flag)) {
    case '0':
    case '\0':
      return 'file';
    case '1':
      return 'hardlink';
    case '2':
      return 'symlink';
    case '5':
      return 'directory';
    case 'L':
      return 'long-name';
    case 'K':
      return 'long-link';
    case 'x':
      return 'pax';
    case 'g':
      return 'pax-global';
    default:
      return 'other';
  }
}

/** A field that ends in a NUL, or fills its place. */
function text(bytes: Buffer, offset: number, length: number): string {
  let end = offset;
  while (end < offset + length && bytes[end] !== 0) end++;
  return decodeName(bytes, offset, end);
}

/**
 * A name as text.
 *
 * @throws KhError `archive-refused` with reason `name-encoding` where it is not UTF-8: two such names could become one.
 */
export function decodeName(bytes: Buffer, start = 0, end = bytes.length): string {
  const name = bytes.toString('utf8', start, end);
  if (!name.includes('\ufffd') || bytes.subarray(start, end).equals(Buffer.from(name))) return name;
  throw new KhError('archive-refused', 'The archive holds a name that is not UTF-8', { reason: 'name-encoding' });
}

/** The name in the content of a GNU `L` or `K` entry, which ends in one NUL. */
export function parseLongName(content: Buffer): string {
  return decodeName(content.at(-1) === 0 ? content.subarray(0, -1) : content);
}

/**
 * The pax records that matter here: `<length> <key>=<value>\n`, length counting the whole record.
 *
 * @throws KhError `archive-corrupt` with reason `pax-record`; `archive-refused` with reason `sparse-file`.
 */
export function parsePaxRecords(content: Buffer): TarOverrides {
  const found = new Map<string, string>();
  for (let at = 0; at < content.length;) {
    const blank = content.indexOf(' ', at);
    const digits = content.toString('latin1', at, Math.max(blank, at));
    const end = at + Number(digits);
    const equals = content.indexOf('=', blank);
    const sound = /^[1-9]\d{0,8}$/.test(digits) && end <= content.length && equals > blank && equals < end;
    if (!sound || content[end - 1] !== 0x0a) throw corrupt('pax-record', 'The archive holds a wrong pax record');
    found.set(content.toString('latin1', blank + 1, equals), decodeName(content.subarray(equals + 1, end - 1)));
    at = end;
  }
  return overridesFrom(found);
}

function overridesFrom(records: ReadonlyMap<string, string>): TarOverrides {
  const path = records.get('path');
  const linkTarget = records.get('linkpath');
  const size = records.get('size');
  if (size !== undefined && !/^\d{1,15}$/.test(size)) throw corrupt('pax-record', 'The archive holds a wrong pax size');
  if ([...records.keys()].some((key) => key.startsWith('GNU.sparse.'))) {
    throw new KhError('archive-refused', 'The archive holds a sparse file', { reason: 'sparse-file' });
  }
  return {
    ...(path !== undefined && { path }),
    ...(linkTarget !== undefined && { linkTarget }),
    ...(size !== undefined && { size: Number(size) }),
  };
}
