import { type Elf, corruptImage, readElfSection } from './elf.js';

/** One entry of a symbol table. */
export interface ElfSymbolEntry {
  readonly name: string;
  /** In a relocatable file the offset in its section, else an address; for an absolute one just a number. */
  readonly value: bigint;
  /** Index of the section it is defined in, `undefined` for one the file only asks for, `absolute`, or `other`. */
  readonly section: number | 'undefined' | 'absolute' | 'other';
  readonly weak: boolean;
  /** It names the source file, not a place. */
  readonly file: boolean;
}

/** Section indexes and symbol kinds of the ELF specification (gABI 4.1, chapter 4). */
const SHT_SYMTAB = 2;
const SHN_LORESERVE = 0xff00;
const SHN_ABS = 0xfff1;
const STB_WEAK = 2;
const STT_FILE = 4;

/** An unstripped vmlinux with everything built in has under a million. */
const maxSymbols = 4_000_000;

/** KSYM_NAME_LEN is 512 since Linux 6.1. */
const maxNameBytes = 512;

/** Where the two classes of ELF keep the fields of a symbol, in bytes. */
const layouts = {
  32: { bytes: 16, value: 4, info: 12, section: 14 },
  64: { bytes: 24, value: 8, info: 4, section: 6 },
} as const;

/**
 * Yields the named symbols of a file in the table's order; nothing where it has no table. Names are Latin-1: they are
 * compared and shown, not interpreted.
 *
 * @throws KhError `archive-corrupt` with reason `elf-symbols`, `elf-sections` or `elf-truncated`.
 */
export function* readElfSymbols(elf: Elf): Generator<ElfSymbolEntry, void, undefined> {
  const table = elf.sections.find(({ type }) => type === SHT_SYMTAB);
  if (!table) return;
  const layout = layouts[elf.is64 ? 64 : 32];
  const strings = readElfSection(elf, elf.sections[table.link]);
  const content = readElfSection(elf, table);
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  if (view.byteLength / layout.bytes > maxSymbols)
    throw corruptImage('elf-symbols', 'The ELF file has too many symbols');
  for (let at = 0; at + layout.bytes <= view.byteLength; at += layout.bytes) {
    const nameOffset = view.getUint32(at, true);
    if (nameOffset === 0) continue;
    const info = view.getUint8(at + layout.info);
    yield {
      name: readCString(strings, nameOffset),
      value: elf.is64 ? view.getBigUint64(at + layout.value, true) : BigInt(view.getUint32(at + layout.value, true)),
      section: placeOf(view.getUint16(at + layout.section, true)),
      weak: info >> 4 === STB_WEAK,
      file: (info & 15) === STT_FILE,
    };
  }
}

function placeOf(index: number): ElfSymbolEntry['section'] {
  if (index === 0) return 'undefined';
  if (index < SHN_LORESERVE) return index;
  return index === SHN_ABS ? 'absolute' : 'other';
}

/**
 * The text up to the next NUL.
 *
 * @throws KhError `archive-corrupt` with reason `elf-symbols` where there is none within 512 bytes.
 */
export function readCString(strings: Uint8Array, offset: number): string {
  const end = strings.subarray(offset, offset + maxNameBytes).indexOf(0);
  if (end < 0) throw corruptImage('elf-symbols', 'The file has a name without an end');
  return String.fromCharCode(...strings.subarray(offset, offset + end));
}
