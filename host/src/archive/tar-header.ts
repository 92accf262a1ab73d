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

/**
 * Parses a header block of a POSIX ustar or GNU archive. Facts: GNU tar 1.34 manual, section 15.1 (basic tar format),
 * and POSIX.1-2017, pax, "ustar Interchange Format".
 *
 * @throws KhError `archive-corrupt` with reason `not-tar`, `header-checksum` or `header-number`.
 */
export function parseTarHeader(block: Buffer): TarHeader {
  const magic = block.toString('latin1', 257, 265);
  if (magic !== 'ustar\x0000' && magic !== 'ustar  \0') throw corrupt('not-tar', 'The archive holds no tar');
  if (checksum(block) !== parseNumber(block, 148, 8)) {
    throw corrupt('header-checksum', 'A header of the archive has a wrong checksum');
  }
  const name = text(block, 0, 100);
  // GNU tar keeps times and sparse maps where POSIX has the prefix.
  const prefix = magic === 'ustar  \0' ? '' : text(block, 345, 155);
  return {
    path: prefix === '' ? name : `${prefix}/${name}`,
    kind: kindOf(block[156] ?? 0),
    mode: parseNumber(block, 100, 8) & 0o7777,
    size: parseNumber(block, 124, 12),
    linkTarget: text(block, 157, 100),
  };
}

/** The sum of all bytes, the checksum's own eight counted as blanks. */
function checksum(block: Buffer): number {
  let sum = 8 * 0x20;
  for (let at = 0; at < 148; at++) sum += block[at] ?? 0;
  for (let at = 156; at < 512; at++) sum += block[at] ?? 0;
  return sum;
}

/** Octal digits ended by a blank or NUL or, with the top bit set, GNU's big-endian binary. */
function parseNumber(block: Buffer, offset: number, length: number): number {
  const first = block[offset] ?? 0;
  if (first === 0x80) {
    const value = block.readUIntBE(offset + length - 6, 6);
    if (block.subarray(offset + 1, offset + length - 6).every((byte) => byte === 0)) return value;
  }
  let at = offset;
  const end = offset + length;
  while (at < end && block[at] === 0x20) at++;
  const start = at;
  let value = 0;
  for (; at < end && isOctal(block[at]); at++) value = value * 8 + (block[at] ?? 0) - 0x30;
  const hasDigits = at > start;
  while (at < end && (block[at] === 0x20 || block[at] === 0)) at++;
  if (hasDigits && at === end) return value;
  throw corrupt('header-number', 'A header of the archive holds a wrong number');
}

function isOctal(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x37;
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

function text(block: Buffer, offset: number, length: number): string {
  const end = block.indexOf(0, offset);
  return decodeName(block.subarray(offset, end < 0 || end > offset + length ? offset + length : end));
}

/**
 * A name as text.
 *
 * @throws KhError `archive-refused` with reason `name-encoding` where it is not UTF-8: two such names could become one.
 */
export function decodeName(bytes: Buffer): string {
  const name = bytes.toString('utf8');
  if (!name.includes('\ufffd') || bytes.equals(Buffer.from(name))) return name;
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
