import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findElfSymbols, parseElf, readElfSection } from '../../../../host/src/image/elf.js';
import { KhError } from '../../../../host/src/core/error.js';

interface Parts {
  readonly symbols?: readonly (readonly [nameOffset: number, section: number, value: bigint])[];
  readonly size?: bigint;
  readonly nameOffset?: number;
}

/** A 64-bit file of four sections: none, `.s` (names and strings), `.t` (symbols), `.d` (data). */
function makeElf({ symbols = [], size = 4n, nameOffset = 7 }: Parts = {}): Buffer {
  const strings = Buffer.from('\0.s\0.t\0.d\0alpha\0beta\0');
  const table = Buffer.alloc(24 * symbols.length);
  for (const [index, [name, section, value]] of symbols.entries()) {
    table.writeUint32LE(name, index * 24);
    table.writeUint16LE(section, index * 24 + 6);
    table.writeBigUint64LE(value, index * 24 + 8);
  }
  const header = Buffer.alloc(64);
  header.write('\x7fELF\x02\x01', 'latin1');
  header.writeUint16LE(1, 16);
  const start = 64 + strings.length + table.length + 4;
  header.writeBigUint64LE(BigInt(start), 40);
  header.writeUint16LE(64, 58);
  header.writeUint16LE(4, 60);
  header.writeUint16LE(1, 62);
  const section = (name: number, type: number, offset: number, bytes: bigint, link = 0) => {
    const entry = Buffer.alloc(64);
    entry.writeUint32LE(name, 0);
    entry.writeUint32LE(type, 4);
    entry.writeBigUint64LE(BigInt(offset), 24);
    entry.writeBigUint64LE(bytes, 32);
    entry.writeUint32LE(link, 40);
    return entry;
  };
  return Buffer.concat([
    header,
    strings,
    table,
    Buffer.from('data'),
    section(0, 0, 0, 0n),
    section(1, 3, 64, BigInt(strings.length)),
    section(4, 2, 64 + strings.length, BigInt(table.length), 1),
    section(nameOffset, 1, 64 + strings.length + table.length, size),
  ]);
}

const fails = (reason: string) => (error: unknown) =>
  error instanceof KhError && error.code === 'archive-corrupt' && error.details.reason === reason;

test('parseElf reads names and contents of sections', () => {
  const elf = parseElf(makeElf());
  assert.deepEqual(
    elf.sections.map(({ name }) => name),
    ['', '.s', '.t', '.d'],
  );
  assert.equal(Buffer.from(readElfSection(elf, elf.sections[3])).toString(), 'data');
  assert.equal(elf.relocatable, true);
});

test('findElfSymbols finds whole names, and only defined ones', () => {
  const symbols = [
    [10, 3, 1n],
    [16, 0, 2n],
    [16, 0xfff1, 3n],
  ] as const;
  const found = findElfSymbols(parseElf(makeElf({ symbols })), ['alph', 'alpha', 'beta']);
  assert.deepEqual([...found], [['alpha', { section: 3, value: 1n }]]);
});

test('findElfSymbols refuses a name that is defined twice', () => {
  const symbols = [
    [10, 3, 1n],
    [10, 3, 2n],
  ] as const;
  assert.throws(() => findElfSymbols(parseElf(makeElf({ symbols })), ['alpha']), fails('elf-symbols'));
});

test('readElfSection refuses a section that is not there or reaches beyond the file', () => {
  for (const size of [1000n, 1n << 63n]) {
    const elf = parseElf(makeElf({ size }));
    assert.throws(() => readElfSection(elf, elf.sections[3]), fails('elf-truncated'));
  }
  const elf = parseElf(makeElf());
  assert.throws(() => readElfSection(elf, elf.sections[9]), fails('elf-sections'));
});

test('parseElf refuses a section name without an end', () => {
  assert.throws(() => parseElf(makeElf({ nameOffset: 4000 })), fails('elf-sections'));
});

for (const [what, at, bytes, reason] of [
  ['no magic', 1, [0], 'not-elf'],
  ['the other byte order', 5, [2], 'elf-byte-order'],
  ['sections of an unknown size', 58, [63], 'elf-sections'],
  ['no sections', 60, [0], 'elf-sections'],
  ['names in a section that is not there', 62, [4], 'elf-sections'],
  ['a table beyond the file', 40, [0, 0, 0, 0, 0, 0, 0, 0x80], 'elf-truncated'],
  ['more sections than bytes', 60, [0xff, 0xff], 'elf-truncated'],
] as const) {
  test(`parseElf refuses ${what}`, () => {
    const bad = makeElf();
    bad.set(bytes, at);
    assert.throws(() => parseElf(bad), fails(reason));
  });
}

test('parseElf refuses nothing at all', () => {
  assert.throws(() => parseElf(new Uint8Array(0)), fails('not-elf'));
});
