import { KhError } from '../core/error.js';
import { hasText } from './has-text.js';

/** A section of an ELF file. */
export interface ElfSection {
  readonly name: string;
  readonly type: number;
  /** Virtual address, 0 in a relocatable file. A kernel's are beyond what a number holds exactly. */
  readonly address: bigint;
  /** It takes part in the memory of the kernel (SHF_ALLOC). */
  readonly inMemory: boolean;
  /** Bytes from the start of the file. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  /** The index of a section this one refers to: for a symbol table its string table. */
  readonly link: number;
}

export interface ElfSymbol {
  readonly value: bigint;
  /** The index of the section it is defined in. */
  readonly section: number;
}

/** A little-endian ELF file, its section table read and checked. */
export interface Elf {
  readonly bytes: Uint8Array;
  readonly is64: boolean;
  /** e_machine: 62 x86_64, 183 aarch64, 40 arm, 243 riscv. */
  readonly machine: number;
  /** Relocatable (.o, .ko): symbol values count from their section's start, not from address 0. */
  readonly relocatable: boolean;
  readonly sections: readonly ElfSection[];
}

/** Section types and limits of the ELF specification (gABI 4.1, chapter 4). */
const SHT_SYMTAB = 2;
export const SHT_NOBITS = 8;
const SHF_ALLOC = 2;
const SHN_LORESERVE = 0xff00;

/** Bytes a section's name may have here; without a bound, 65,000 sections could share one endless name. */
const maxNameBytes = 256;

/** Where the two classes of ELF keep the fields used here, in bytes. */
const layouts = {
  32: { header: 52, shoff: 32, shentsize: 46, section: 40, symbol: 16, symValue: 4, symSection: 14 },
  64: { header: 64, shoff: 40, shentsize: 58, section: 64, symbol: 24, symValue: 8, symSection: 6 },
} as const;

/** The failure of a file that is not what it has to be; reason is a stable word. */
export function corruptImage(reason: string, message: string): KhError {
  return new KhError('archive-corrupt', message, { reason });
}

/**
 * Reads the section table of an ELF file, 32 or 64 bits, little-endian: every architecture that runs Android.
 *
 * @throws KhError `archive-corrupt` with reason `not-elf`, `elf-byte-order`, `elf-truncated` or `elf-sections`.
 */
export function parseElf(bytes: Uint8Array): Elf {
  if (!hasText(bytes, 0, '\x7fELF')) throw corruptImage('not-elf', 'The file is not an ELF file');
  if (bytes[5] !== 1) throw corruptImage('elf-byte-order', 'The ELF file is not little-endian');
  const is64 = bytes[4] === 2;
  const layout = layouts[is64 ? 64 : 32];
  const view = viewOf(sliceOf(bytes, 0, layout.header));
  const table = {
    offset: readWord(view, layout.shoff, is64),
    entryBytes: view.getUint16(layout.shentsize, true),
    count: view.getUint16(layout.shentsize + 2, true),
    names: view.getUint16(layout.shentsize + 4, true),
  };
  if (table.entryBytes !== layout.section || table.count === 0 || table.names >= table.count) {
    throw corruptImage('elf-sections', 'The ELF file has no section table that can be used');
  }
  const headers = viewOf(sliceOf(bytes, table.offset, table.count * table.entryBytes));
  const raw = Array.from({ length: table.count }, (_, index) => readSection(headers, index * table.entryBytes, is64));
  const names = contentOf(bytes, raw[table.names]);
  const sections = raw.map(({ nameOffset, ...section }) => ({ ...section, name: readString(names, nameOffset) }));
  return {
    bytes,
    is64,
    machine: view.getUint16(18, true),
    relocatable: view.getUint16(16, true) === 1,
    sections,
  };
}

function readSection(view: DataView, at: number, is64: boolean) {
  const word = is64 ? 8 : 4;
  return {
    nameOffset: view.getUint32(at, true),
    type: view.getUint32(at + 4, true),
    address: readAddress(view, at + 8 + word, is64),
    inMemory: (view.getUint32(at + 8, true) & SHF_ALLOC) !== 0,
    offset: readWord(view, at + 8 + 2 * word, is64),
    size: readWord(view, at + 8 + 3 * word, is64),
    link: view.getUint32(at + 8 + 4 * word, true),
  };
}

/**
 * The content of a section.
 *
 * @throws KhError `archive-corrupt` with reason `elf-sections` where it has none, `elf-truncated` where the file ends.
 */
export function readElfSection(elf: Elf, section: ElfSection | undefined): Uint8Array {
  return contentOf(elf.bytes, section);
}

/**
 * The symbols of the given names that the file defines. A name that is there twice is refused: nobody could say which
 * one is meant.
 *
 * @throws KhError `archive-corrupt` with reason `elf-symbols`, `elf-sections` or `elf-truncated`.
 */
export function findElfSymbols(elf: Elf, wanted: readonly string[]): ReadonlyMap<string, ElfSymbol> {
  const found = new Map<string, ElfSymbol>();
  const table = elf.sections.find(({ type }) => type === SHT_SYMTAB);
  if (!table) return found;
  const layout = layouts[elf.is64 ? 64 : 32];
  const strings = readElfSection(elf, elf.sections[table.link]);
  const view = viewOf(readElfSection(elf, table));
  for (let at = 0; at + layout.symbol <= view.byteLength; at += layout.symbol) {
    const section = view.getUint16(at + layout.symSection, true);
    const nameOffset = view.getUint32(at, true);
    if (section === 0 || section >= SHN_LORESERVE || nameOffset === 0) continue;
    const name = wanted.find((candidate) => isStringAt(strings, nameOffset, candidate));
    if (name === undefined) continue;
    if (found.has(name)) throw corruptImage('elf-symbols', 'The ELF file defines a symbol twice');
    found.set(name, { section, value: readAddress(view, at + layout.symValue, elf.is64) });
  }
  return found;
}

function contentOf(bytes: Uint8Array, section: Omit<ElfSection, 'name'> | undefined): Uint8Array {
  if (!section || section.type === SHT_NOBITS) throw corruptImage('elf-sections', 'The ELF file lacks a section');
  return sliceOf(bytes, section.offset, section.size);
}

function sliceOf(bytes: Uint8Array, offset: number, size: number): Uint8Array {
  if (offset + size > bytes.length) throw corruptImage('elf-truncated', 'The ELF file ends too early');
  return bytes.subarray(offset, offset + size);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function readAddress(view: DataView, at: number, is64: boolean): bigint {
  return is64 ? view.getBigUint64(at, true) : BigInt(view.getUint32(at, true));
}

/** A 64-bit field too large for a number becomes one that is merely far too large for any file. */
function readWord(view: DataView, at: number, is64: boolean): number {
  return Number(readAddress(view, at, is64));
}

function readString(strings: Uint8Array, offset: number): string {
  const name = strings.subarray(offset, offset + maxNameBytes);
  const end = name.indexOf(0);
  if (end < 0) throw corruptImage('elf-sections', 'The ELF file has a section name without an end');
  return String.fromCharCode(...name.subarray(0, end));
}

function isStringAt(strings: Uint8Array, offset: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    if (strings[offset + index] !== text.charCodeAt(index)) return false;
  }
  return strings[offset + text.length] === 0;
}
