import { decodeUtf8 } from '@kheaders/shared';
import * as native from 'native';
import * as os from 'os';
import { openFile } from './files.js';

/**
 * Where the fields are that lead to a section, in a file of 32 and of 64 bits. Source: System V ABI, chapter 4, "ELF Header"
 * and "Section Header".
 */
const layouts = {
  1: { table: 32, entrySize: 46, count: 48, names: 50, entry: 40, offset: 16, size: 20 },
  2: { table: 40, entrySize: 58, count: 60, names: 62, entry: 64, offset: 24, size: 32 },
} as const;

type Layout = (typeof layouts)[1 | 2];

const elfMagic = 0x7f454c46;
/** No module has a table, or texts, that are longer: what says so is damaged. */
const partLimit = 1024 * 1024;
const mark = 'vermagic=';

/**
 * The vermagic of a module file; empty where it has none that can be read, e.g. because it is compressed. By the file's
 * table of sections, because a search through 4 MB takes a phone longer than all the rest. Errors: FileError.
 */
export function readVermagic(path: string): string {
  const fd = openFile(path);
  try {
    const texts = readSection(fd, '.modinfo');
    return texts.find((text) => text.startsWith(mark))?.slice(mark.length) ?? '';
  } finally {
    os.close(fd);
  }
}

/** The texts of a section, each of which a 0 ends; none where there is no such section. */
function readSection(fd: number, wanted: string): readonly string[] {
  const header = readPart(fd, 0, 64);
  if (header === undefined || header.getUint32(0) !== elfMagic || header.getUint8(5) !== 1) return [];
  const layout = layouts[header.getUint8(4) as 1 | 2] as Layout | undefined;
  if (layout === undefined || header.getUint16(layout.entrySize, true) !== layout.entry) return [];
  const count = header.getUint16(layout.count, true);
  const table = readPart(fd, word(header, layout.table, layout), count * layout.entry);
  if (table === undefined) return [];
  const names = readTexts(fd, table, header.getUint16(layout.names, true), layout);
  for (let index = 0; index < count; index += 1) {
    const name = table.getUint32(index * layout.entry, true);
    if (names.startsWith(`${wanted}\0`, name)) return readTexts(fd, table, index, layout).split('\0');
  }
  return [];
}

/** A section as text; empty where the file has not so many or is cut off. */
function readTexts(fd: number, table: DataView, index: number, layout: Layout): string {
  const at = index * layout.entry;
  if (at + layout.entry > table.byteLength) return '';
  const part = readPart(fd, word(table, at + layout.offset, layout), word(table, at + layout.size, layout));
  return part === undefined ? '' : (decodeUtf8(new Uint8Array(part.buffer), true) ?? '');
}

/** An offset or a size. */
function word(view: DataView, at: number, { entry }: Layout): number {
  const low = view.getUint32(at, true);
  return entry === 40 ? low : low + view.getUint32(at + 4, true) * 2 ** 32;
}

/** Undefined where the file has not so much. */
function readPart(fd: number, offset: number, length: number): DataView | undefined {
  if (length > partLimit || os.seek(fd, offset, 0) < 0) return undefined;
  const buffer = new ArrayBuffer(length);
  return native.readFull(fd, buffer, 0, length) === length ? new DataView(buffer) : undefined;
}
