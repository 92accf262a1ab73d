import { type Elf, corruptImage, readElfSection } from './elf.js';
import { type ElfSymbolEntry, readCString } from './elf-symbols.js';
import type { KernelSymbol } from './symbol-table.js';

/** What the symbol table of a module says of its exports, gathered by exportsFrom(). */
export interface ExportMarks {
  /** `__ksymtab_NAME`: an entry of a table of exports. */
  readonly entries: Map<string, ElfSymbolEntry>;
  /** `__crc_NAME`. */
  readonly crcs: Map<string, ElfSymbolEntry>;
  /** `__kstrtabns_NAME`: the namespace's text. */
  readonly namespaces: Map<string, ElfSymbolEntry>;
}

/** GKI's largest module exports under 2,000. */
const maxExports = 200_000;

export function createExportMarks(): ExportMarks {
  return { entries: new Map(), crcs: new Map(), namespaces: new Map() };
}

/** Notes a symbol if it is one of those that EXPORT_SYMBOL makes (include/linux/export.h, export-internal.h). */
export function markExport(marks: ExportMarks, symbol: ElfSymbolEntry): void {
  if (symbol.section === 'undefined' || !symbol.name.startsWith('__')) return;
  for (const [prefix, map] of [
    ['__ksymtab_', marks.entries],
    ['__crc_', marks.crcs],
    ['__kstrtabns_', marks.namespaces],
  ] as const) {
    if (!symbol.name.startsWith(prefix)) continue;
    if (map.size >= maxExports) throw corruptImage('module-exports', 'The kernel module exports too much');
    map.set(symbol.name.slice(prefix.length), symbol);
  }
}

/**
 * What a module exports. Names and places come from its symbol table, as modpost's do, so it does not matter which of
 * the three forms the entries have (PREL32 of 8 or 12 bytes, pointers). A CRC is an absolute symbol's value on kernels
 * before 5.19, or the word a `__crc_` symbol points to (MODULE_REL_CRCS of 4.11, and 5.19 and later).
 *
 * @throws KhError `archive-corrupt` with reason `module-exports` where a symbol leads nowhere, and readElfSection()'s.
 */
export function exportsFrom(elf: Elf, marks: ExportMarks): readonly KernelSymbol[] {
  return [...marks.entries].map(([name, entry]) => {
    const crc = readCrc(elf, marks.crcs.get(name));
    const namespace = readNamespace(elf, marks.namespaces.get(name));
    const gpl = isGpl(elf, entry);
    return {
      name,
      ...(crc === undefined ? {} : { crc }),
      ...(gpl === undefined ? {} : { gpl }),
      ...(namespace === undefined || namespace === '' ? {} : { namespace }),
    };
  });
}

/** Sections of exports: `__ksymtab`, `__ksymtab_gpl`; before modules are linked `___ksymtab+NAME`, `___ksymtab_gpl+NAME`. */
function isGpl(elf: Elf, { section }: ElfSymbolEntry): boolean | undefined {
  const name = typeof section === 'number' ? elf.sections[section]?.name : undefined;
  const kind =
    name === undefined ? undefined : /^__?_?ksymtab(_gpl|_gpl_future|_unused|_unused_gpl)?(?:\+|$)/.exec(name);
  return kind ? (kind[1] ?? '').includes('gpl') : undefined;
}

function readCrc(elf: Elf, symbol: ElfSymbolEntry | undefined): number | undefined {
  if (symbol === undefined) return undefined;
  if (symbol.section === 'absolute') return Number(BigInt.asUintN(32, symbol.value));
  const content = contentAt(elf, symbol);
  if (content.length < 4) throw leadsNowhere();
  return new DataView(content.buffer, content.byteOffset, 4).getUint32(0, true);
}

function readNamespace(elf: Elf, symbol: ElfSymbolEntry | undefined): string | undefined {
  return symbol && readCString(contentAt(elf, symbol), 0);
}

function contentAt(elf: Elf, { section, value }: ElfSymbolEntry): Uint8Array {
  const content = typeof section === 'number' ? readElfSection(elf, elf.sections[section]) : undefined;
  if (content === undefined || value > content.length) throw leadsNowhere();
  return content.subarray(Number(value));
}

function leadsNowhere(): Error {
  return corruptImage('module-exports', 'A symbol of the kernel module leads nowhere');
}
