import { corruptImage } from './elf.js';
import type { Extent, ImageMemory } from './image-memory.js';
import type { KernelSymbol } from './symbol-table.js';

/** One of the kernel's tables of exports (`__ksymtab`, `__ksymtab_gpl` …) and the CRCs that belong to it, one each. */
export interface ExportTable {
  readonly entries: Extent;
  /** Undefined: a kernel without MODVERSIONS. */
  readonly crcs: Extent | undefined;
  /** Undefined: which of the tables it is could not be told. */
  readonly gpl: boolean | undefined;
}

export interface ExportTables {
  readonly tables: readonly ExportTable[];
  /** `__ksymtab_strings`: every name and namespace is in here. */
  readonly strings: Extent;
}

/**
 * How an entry names its symbol (include/linux/export.h): `relative` is the distance from the field (PREL32, since 4.19), else
 * a pointer of 4 or 8 bytes. `fields` is 3 with a namespace (since 5.4), 2 without one; the name is the second.
 */
interface EntryForm {
  readonly fieldBytes: 4 | 8;
  readonly relative: boolean;
  readonly fields: 2 | 3;
}

const forms: readonly EntryForm[] = [
  { fieldBytes: 4, relative: true, fields: 3 },
  { fieldBytes: 4, relative: true, fields: 2 },
  { fieldBytes: 8, relative: false, fields: 3 },
  { fieldBytes: 8, relative: false, fields: 2 },
  { fieldBytes: 4, relative: false, fields: 3 },
  { fieldBytes: 4, relative: false, fields: 2 },
];

/** Kernels with everything built in export some 30,000. */
const maxEntries = 500_000;

type Named = Pick<KernelSymbol, 'name' | 'namespace'>;

/**
 * The symbols in a kernel's tables of exports. A form counts only if every entry of every table has a name in the tables' strings,
 * each greater than the one before (the kernel looks names up by bisection), and if exactly one form does.
 *
 * @throws KhError `archive-corrupt` with reason `export-tables` where that is not so, or where a table of CRCs does not have
 *   one for each entry.
 */
export function readExportTables(memory: ImageMemory, { tables, strings }: ExportTables): readonly KernelSymbol[] {
  const fitting = forms.flatMap((form) => {
    const named = tables.map(({ entries }) => readEntries(memory, form, entries, strings));
    return named.every((list) => list !== undefined) ? [named] : [];
  });
  const [names] = fitting;
  if (names === undefined || fitting.length > 1) throw corruptTables('The entries are of no known form');
  const crcs = readCrcs(
    memory,
    tables.map(({ crcs: extent }, index) => ({ extent, count: names[index]?.length ?? 0 })),
  );
  const symbols = tables.flatMap(({ gpl }, table) =>
    (names[table] ?? []).map((named, index) => {
      const crc = crcs[table]?.[index];
      return { ...named, ...(crc === undefined ? {} : { crc }), ...(gpl === undefined ? {} : { gpl }) };
    }),
  );
  if (new Set(symbols.map(({ name }) => name)).size !== symbols.length) throw corruptTables('A name is there twice');
  return symbols;
}

/** Undefined if an entry is not of this form. */
function readEntries(
  memory: ImageMemory,
  { fieldBytes, relative, fields }: EntryForm,
  { start, end }: Extent,
  strings: Extent,
): readonly Named[] | undefined {
  const entryBytes = fieldBytes * fields;
  if ((end - start) % entryBytes !== 0 || (end - start) / entryBytes > maxEntries) return undefined;
  const bytes = memory.at(start);
  if (bytes.length < end - start || (!relative && memory.base === undefined)) return undefined;
  const view = viewOf(bytes);
  const target = (at: number): number | undefined => {
    if (relative) return view.getInt32(at, true) === 0 ? undefined : start + at + view.getInt32(at, true);
    const pointer = fieldBytes === 8 ? view.getBigUint64(at, true) : BigInt(view.getUint32(at, true));
    return pointer === 0n ? undefined : Number(pointer - (memory.base ?? 0n));
  };
  const named: Named[] = [];
  let previous = '';
  for (let at = 0; at < end - start; at += entryBytes) {
    const name = readText(memory, strings, target(at + fieldBytes));
    const space = fields === 3 ? target(at + 2 * fieldBytes) : undefined;
    const namespace = space === undefined ? '' : readText(memory, strings, space);
    if (name === undefined || name <= previous || namespace === undefined) return undefined;
    named.push({ name, ...(namespace === '' ? {} : { namespace }) });
    previous = name;
  }
  return named;
}

/** Names may hold what a C identifier does, and dots; namespaces commas and more. KSYM_NAME_LEN is 512. */
const textForm = /^[\w.$:,*+-]*$/;
const maxTextBytes = 512;

function readText(memory: ImageMemory, { start, end }: Extent, address: number | undefined): string | undefined {
  if (address === undefined || address < start || address >= end) return undefined;
  const bytes = memory.at(address).subarray(0, Math.min(maxTextBytes, end - address));
  const length = bytes.indexOf(0);
  const text = String.fromCharCode(...bytes.subarray(0, Math.max(length, 0)));
  return length >= 0 && textForm.test(text) ? text : undefined;
}

interface CrcTable {
  readonly extent: Extent | undefined;
  readonly count: number;
}

/**
 * A CRC is a u32 (since 4.11), before that an unsigned long. With MODULE_REL_CRCS (4.11 to 5.18) it is the distance to a word in
 * read-only data. Then every one of them leads into the kernel, which of real CRCs one in a hundred does.
 */
function readCrcs(memory: ImageMemory, tables: readonly CrcTable[]): readonly (readonly number[])[] {
  const total = tables.reduce((sum, { count }) => sum + count, 0);
  const stored = tables.map(({ extent, count }) => readWords(memory, extent, count));
  if (total < 8) return stored;
  const distant = tables.map(({ extent }, table) =>
    (stored[table] ?? []).map((word, index) => {
      const bytes = memory.at((extent?.start ?? 0) + 4 * index + (word | 0));
      return bytes.length < 4 || word === 0 ? undefined : viewOf(bytes).getUint32(0, true);
    }),
  );
  const isRelative = distant.every((list) => list.every((crc) => crc !== undefined));
  return isRelative && stored.some((list) => list.length > 0) ? distant : stored;
}

function readWords(memory: ImageMemory, extent: Extent | undefined, count: number): readonly number[] {
  if (extent === undefined) return [];
  const bytes = memory.at(extent.start).subarray(0, extent.end - extent.start);
  const size = count === 0 ? 4 : bytes.length / count;
  if (bytes.length !== extent.end - extent.start || (size !== 4 && size !== 8)) {
    throw corruptTables('There is not one CRC for each symbol');
  }
  const view = viewOf(bytes);
  return Array.from({ length: count }, (_, index) => {
    if (size === 8 && view.getUint32(8 * index + 4, true) !== 0) throw corruptTables('A CRC has more than 32 bits');
    return view.getUint32(size * index, true);
  });
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function corruptTables(why: string): Error {
  return corruptImage('export-tables', `The symbols of the kernel image cannot be read: ${why}`);
}
