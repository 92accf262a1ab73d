import { type Elf, SHT_NOBITS, readElfSection } from './elf.js';

/** A stretch of a kernel's memory: from `start` up to, not including, `end`. */
export interface Extent {
  readonly start: number;
  readonly end: number;
}

/**
 * The kernel as it lies in memory. Addresses count from its beginning, so that they are exact as numbers; all distances are as
 * in the kernel.
 */
export interface ImageMemory {
  /** What an address of the kernel itself is here: the base to subtract; undefined where it is not known. */
  readonly base: bigint | undefined;
  /** The bytes from an address to the end of what is known there; empty where nothing is. */
  at(address: number): Uint8Array;
}

/** A raw Image is its memory, from the first byte on. */
export function memoryOfRaw(bytes: Uint8Array): ImageMemory {
  return { base: undefined, at: (address) => (address >= 0 ? bytes.subarray(address) : bytes.subarray(0, 0)) };
}

/** The memory of a linked ELF file by its sections. */
export function memoryOfElf(elf: Elf): ImageMemory {
  // Address 0 is where x86 puts its per-cpu data, which is not part of the rest.
  const inMemory = elf.sections.filter(
    ({ inMemory: allocated, address, size, type }) => allocated && address > 0n && size > 0 && type !== SHT_NOBITS,
  );
  const base = inMemory.reduce<bigint | undefined>(
    (least, { address }) => (least === undefined || address < least ? address : least),
    undefined,
  );
  const pieces = inMemory.map((section) => ({
    start: Number(section.address - (base ?? 0n)),
    content: readElfSection(elf, section),
  }));
  const none = elf.bytes.subarray(0, 0);
  return {
    base,
    at: (address) => {
      const piece = pieces.find(({ start, content }) => address >= start && address < start + content.length);
      return piece === undefined ? none : piece.content.subarray(address - piece.start);
    },
  };
}

/** Where a section of a linked file is, in the addresses of memoryOfElf(); undefined where it has none of that name. */
export function findExtent(elf: Elf, { base }: ImageMemory, wanted: string): Extent | undefined {
  const section = elf.sections.find(({ name, inMemory }) => inMemory && name === wanted);
  if (section === undefined || base === undefined) return undefined;
  const start = Number(section.address - base);
  return { start, end: start + section.size };
}
