import { corruptImage } from './elf.js';
import { type ExportTables, readExportTables } from './export-tables.js';
import { findTablesByStructure, findTablesOfElf } from './find-export-tables.js';
import { type ImageMemory, memoryOfElf, memoryOfRaw } from './image-memory.js';
import type { KernelImage } from './kernel-image.js';
import type { SymbolTable } from './symbol-table.js';

/** Exported by every kernel with MODVERSIONS: its CRC stands for struct module (kernel/module/version.c). */
const layoutSymbol = 'module_layout';

/**
 * Every symbol a kernel image exports, with its CRC where the kernel has MODVERSIONS. Read as a whole or not at all: see
 * readExportTables() and findTablesByStructure() for what has to agree. `path` and `sha256` say which file it was.
 *
 * @throws KhError `archive-corrupt` with reason `no-exports` where no tables were found, `export-tables` where they contradict
 *   themselves.
 */
export function readImageSymbols(image: KernelImage, source: { path: string; sha256?: string }): SymbolTable {
  const { elf, bytes } = image;
  const memory: ImageMemory = elf === undefined ? memoryOfRaw(bytes) : memoryOfElf(elf);
  const tables: ExportTables | undefined =
    elf === undefined ? findTablesByStructure(bytes) : elf.relocatable ? undefined : findTablesOfElf(elf, memory);
  if (tables === undefined) {
    throw corruptImage('no-exports', 'The kernel image has no tables of symbols that can be told for certain');
  }
  const symbols = readExportTables(memory, tables);
  const versioned = symbols.some(({ crc }) => crc !== undefined);
  if (versioned && !symbols.some(({ name }) => name === layoutSymbol)) {
    throw corruptImage('export-tables', 'The kernel image has CRCs, but none of struct module');
  }
  return { source: { kind: 'image', ...source }, exporter: 'vmlinux', complete: true, symbols };
}
