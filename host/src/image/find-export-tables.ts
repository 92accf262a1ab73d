import type { Elf } from './elf.js';
import type { ExportTable, ExportTables } from './export-tables.js';
import { type Extent, type ImageMemory, findExtent } from './image-memory.js';

/** Kinds of tables (include/asm-generic/vmlinux.lds.h); the last three are gone since 5.12. */
const suffixes = ['', '_gpl', '_gpl_future', '_unused', '_unused_gpl'] as const;

/**
 * The tables of exports of a linked ELF kernel, by the names of its sections: they are there in a vmlinux and in what a
 * bzImage holds, stripped or not. Undefined where it has no such sections.
 */
export function findTablesOfElf(elf: Elf, memory: ImageMemory): ExportTables | undefined {
  const strings = findExtent(elf, memory, '__ksymtab_strings');
  const tables = suffixes.flatMap((suffix): readonly ExportTable[] => {
    const entries = findExtent(elf, memory, `__ksymtab${suffix}`);
    if (entries === undefined || entries.start === entries.end) return [];
    return [{ entries, crcs: findExtent(elf, memory, `__kcrctab${suffix}`), gpl: suffix.includes('gpl') }];
  });
  if (strings === undefined || tables.length === 0) return undefined;
  return { tables, strings };
}

/** Fewer entries in a row are nothing to go by; a tiny kernel exports 3,000 symbols. */
const minEntries = 64;

/** KSYM_NAME_LEN. */
const maxNameBytes = 512;

/** Bytes of an entry of relative pointers, with and without a namespace. */
const strides = [12, 8] as const;

/** Steps of comparing that a search may take: a real image takes some 100,000. */
const maxSteps = 100_000_000;

/**
 * The tables of exports of a raw kernel image, by their structure: RO_DATA of include/asm-generic/vmlinux.lds.h puts the entries
 * of all symbols, then those of GPL-only ones, then the CRCs of both, then the strings one behind the other, without gaps; the
 * entries are sorted by name. Entries are taken for such only where the numbers of entries and CRCs fill the space up to
 * the first string exactly. Undefined where not one place of the image, and only one, is like that: also for kernels whose entries
 * are pointers (before 4.19, and 32-bit ones), because the raw image of a relocatable kernel does not hold them.
 */
export function findTablesByStructure(image: Uint8Array): ExportTables | undefined {
  const scanner = new Scanner(image);
  const found = strides.flatMap((stride) => scanner.findRuns(stride).flatMap((runs) => arrange(image, stride, runs)));
  return found.length === 1 && !scanner.exhausted ? found[0] : undefined;
}

class Scanner {
  readonly #image: Uint8Array;
  readonly #view: DataView;
  #steps = 0;

  constructor(image: Uint8Array) {
    this.#image = image;
    this.#view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  }

  /** The image is made to take long; what was found is not all there is. */
  get exhausted(): boolean {
    return this.#steps > maxSteps;
  }

  /** Groups of neighbouring runs of sorted entries. */
  findRuns(stride: number): readonly (readonly Extent[])[] {
    const groups: Extent[][] = [];
    for (let at = 0; at + stride <= this.#image.length && !this.exhausted; at += 4) {
      if (this.#findName(at) < 0) continue;
      const end = this.#endOfRun(at, stride);
      if (end - at < minEntries * stride) continue;
      const last = groups.at(-1);
      if (last?.at(-1)?.end === at) last.push({ start: at, end });
      else groups.push([{ start: at, end }]);
      at = end - 4;
    }
    return groups;
  }

  /** Where the name of an entry is, or -1 for one that is none. Linkers merge strings: one may be the end of another. */
  #findName(at: number): number {
    const target = at + 4 + this.#view.getInt32(at + 4, true);
    return target > at && target < this.#image.length && isNameByte(this.#image[target] ?? 0) ? target : -1;
  }

  #endOfRun(start: number, stride: number): number {
    let name = this.#findName(start);
    for (let at = start + stride; ; at += stride) {
      const next = at + stride <= this.#image.length ? this.#findName(at) : -1;
      if (next < 0 || !this.#isLess(name, next)) return at;
      name = next;
    }
  }

  /** Compares two NUL-ended strings as strcmp() does. */
  #isLess(left: number, right: number): boolean {
    for (let index = 0; index < maxNameBytes; index++) {
      this.#steps += 1;
      const [a, b] = [this.#image[left + index] ?? 0, this.#image[right + index] ?? 0];
      if (a !== b) return a < b;
      if (a === 0) return false;
    }
    return false;
  }
}

function isNameByte(byte: number): boolean {
  return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) || byte === 0x5f;
}

/** The tables in a group of runs, if all numbers agree; at most one. */
function arrange(image: Uint8Array, stride: number, runs: readonly Extent[]): readonly ExportTables[] {
  const first = runs[0]?.start ?? 0;
  const end = runs.at(-1)?.end ?? 0;
  if (runs.length > 2) return [];
  const total = (end - first) / stride;
  const strings = findStrings(image, stride, { start: first, end });
  const versioned = strings.start === end + 4 * total;
  if (!versioned && strings.start !== end) return [];
  let crcs = end;
  const tables = runs.map((entries, index): ExportTable => {
    const start = crcs;
    crcs += (4 * (entries.end - entries.start)) / stride;
    // One table alone may be of either kind, or both kinds whose names happen to be in order.
    const gpl = runs.length === 2 ? index === 1 : undefined;
    return { entries, crcs: versioned ? { start, end: crcs } : undefined, gpl };
  });
  return [{ tables, strings }];
}

/** From the first string that any entry names to the end of the last one. */
function findStrings(image: Uint8Array, stride: number, { start, end }: Extent): Extent {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  let [least, most] = [image.length, 0];
  for (let at = start; at < end; at += stride) {
    for (let field = at + 4; field < at + stride; field += 4) {
      const distance = view.getInt32(field, true);
      if (distance === 0) continue;
      least = Math.min(least, field + distance);
      most = Math.max(most, field + distance);
    }
  }
  const close = image.indexOf(0, most);
  return { start: least, end: close < 0 ? image.length : close + 1 };
}
