import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeContext } from '../../../../host/src/core/context.js';
import { KhError } from '../../../../host/src/core/error.js';
import { readImageSymbols } from '../../../../host/src/image/image-symbols.js';
import { openKernelImage } from '../../../../host/src/image/kernel-image.js';
import type { KernelSymbol } from '../../../../host/src/image/symbol-table.js';
import { makeRandom } from '../../../support/archives.js';
import {
  type KernelParts,
  type MadeKernel,
  type MadeSymbol,
  banner,
  buildKernel,
  cannotBuild as skip,
  makeSymbols,
} from '../../../support/kernel-image.js';

const symbols = makeSymbols();
const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1);

async function read(file: Uint8Array): Promise<readonly KernelSymbol[]> {
  const image = await openKernelImage(file, makeContext());
  return readImageSymbols(image, { path: 'Image' }).symbols;
}

/** What has to come out: everything, each table sorted by name. */
function expected(list: readonly MadeSymbol[], withCrcs = true): readonly object[] {
  const sorted = [...list].sort(byName);
  const known = [...sorted.filter(({ gpl }) => !gpl), ...sorted.filter(({ gpl }) => gpl)];
  return known.map(({ name, crc, gpl, namespace }) => ({
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(withCrcs ? { crc } : {}),
    gpl,
  }));
}

const refused = (reason: string) => (error: unknown) =>
  error instanceof KhError && error.code === 'archive-corrupt' && error.details.reason === reason;

const kinds = ['vmlinux', 'stripped', 'image'] as const;

for (const crcs of ['words', 'relative', 'none'] as const) {
  test(
    `readImageSymbols reads every symbol of vmlinux, bzImage's kernel and Image: CRCs as ${crcs}`,
    { skip },
    async () => {
      const kernel = buildKernel({ banner, symbols, crcs });
      for (const kind of kinds) {
        // Where the raw Image keeps relative CRCs they are in front of the tables, as in a kernel.
        assert.deepEqual(await read(kernel[kind]), expected(symbols, crcs !== 'none'), kind);
      }
    },
  );
}

for (const [entries, crcs, raw] of [
  ['distances without namespaces', 'words', true],
  ['pointers', 'words', false],
  ['pointers without namespaces', 'longs', false],
] as const) {
  test(`readImageSymbols reads older kernels: entries of ${entries}, CRCs as ${crcs}`, { skip }, async () => {
    const kernel = buildKernel({ banner, symbols, crcs, entries });
    const list = entries === 'pointers' ? symbols : symbols.map(({ namespace: _, ...symbol }) => symbol);
    assert.deepEqual(await read(kernel.vmlinux), expected(list));
    // Pointers are filled in when the kernel starts: its raw image need not have them.
    if (raw) assert.deepEqual(await read(kernel.image), expected(list));
    else await assert.rejects(read(kernel.image), refused('no-exports'));
  });
}

test('readImageSymbols says where the table is from and that it is complete', { skip }, async () => {
  const image = await openKernelImage(buildKernel({ symbols }).image, makeContext());
  const { source, exporter, complete } = readImageSymbols(image, { path: 'boot.img', sha256: 'ab' });
  assert.deepEqual(
    { source, exporter, complete },
    {
      source: { kind: 'image', path: 'boot.img', sha256: 'ab' },
      exporter: 'vmlinux',
      complete: true,
    },
  );
});

test('readImageSymbols: of one table alone nobody knows whose it is', { skip }, async () => {
  const plain = symbols.filter(({ gpl }) => !gpl);
  const list = await read(buildKernel({ symbols: plain }).image);
  assert.equal(list.length, plain.length);
  assert.ok(list.every(({ gpl }) => gpl === undefined));
});

/** Kernels of which nothing, or nothing certain, can be said. */
const doubtful: readonly (readonly [string, KernelParts, (kernel: MadeKernel) => Buffer, string])[] = [
  ['no symbols', {}, ({ vmlinux }) => vmlinux, 'no-exports'],
  ['no symbols, raw', {}, ({ image }) => image, 'no-exports'],
  ['few symbols, raw', { symbols: makeSymbols(20) }, ({ image }) => image, 'no-exports'],
  ['CRCs, but none of module_layout', { symbols: symbols.slice(1) }, ({ image }) => image, 'export-tables'],
  [
    'the tables twice',
    { symbols },
    ({ image }) => Buffer.concat([image, Buffer.alloc(-image.length & 3), image]),
    'no-exports',
  ],
  ['an entry too many', { symbols }, ({ image }) => shiftStrings(image, 4), 'no-exports'],
  ['a name out of order', { symbols }, ({ image }) => rename(image, 'symbol_100', 'zymbol_100'), 'no-exports'],
  [
    'a name out of order, linked',
    { symbols },
    ({ vmlinux }) => rename(vmlinux, 'symbol_100', 'zymbol_100'),
    'export-tables',
  ],
  ['a name that is none', { symbols }, ({ vmlinux }) => rename(vmlinux, 'symbol_100', 'symb l_100'), 'export-tables'],
];

/** Puts bytes in front of the strings, so that the CRCs do not fill the space before them. */
function shiftStrings(image: Buffer, count: number): Buffer {
  const at = image.indexOf('module_layout');
  const moved = Buffer.concat([image.subarray(0, at), Buffer.alloc(count), image.subarray(at)]);
  for (let entry = 0; entry + 12 <= at; entry += 4) {
    // Every distance into the strings, of names and of namespaces.
    const target = entry + moved.readInt32LE(entry);
    if (target >= at && target < image.length && entry > 4096)
      moved.writeInt32LE(moved.readInt32LE(entry) + count, entry);
  }
  return moved;
}

function rename(image: Buffer, from: string, to: string): Buffer {
  const changed = Buffer.from(image);
  for (let at = changed.indexOf(`${from}\0`); at >= 0; at = changed.indexOf(`${from}\0`, at + 1)) changed.write(to, at);
  return changed;
}

for (const [what, parts, choose, reason] of doubtful) {
  test(`readImageSymbols refuses rather than guesses: ${what}`, { skip }, async () => {
    await assert.rejects(read(choose(buildKernel(parts))), refused(reason));
  });
}

test('readImageSymbols takes a tail of a longer name for a name: linkers merge them', { skip }, async () => {
  const image = buildKernel({ symbols }).image;
  assert.equal(image.indexOf('\0layout\0'), -1, 'the linker merged it into module_layout');
  assert.ok((await read(image)).some(({ name }) => name === 'layout'));
});

test(
  'readImageSymbols: 1,000 damaged images give all symbols or a code, and never a symbol that is not there',
  { skip },
  async () => {
    const kernel = buildKernel({ banner, symbols });
    const random = makeRandom(5);
    const names = new Set(symbols.map(({ name }) => name));
    let failures = 0;
    for (let round = 0; round < 1000; round++) {
      const damaged = Buffer.from(kernel[kinds[round % 3]!]);
      const tables = damaged.indexOf('IKCFG') < 0 ? 0x1000 : 0;
      for (let change = 0; change <= random(4); change++) {
        damaged[round % 2 ? random(damaged.length) : tables + random(0x3000)] = random(256);
      }
      try {
        const list = await read(round % 10 === 0 ? damaged.subarray(0, random(damaged.length)) : damaged);
        assert.equal(list.length, symbols.length);
        assert.ok(list.filter(({ name }) => !names.has(name)).length <= 5, 'only what was changed');
      } catch (error) {
        assert.ok(error instanceof KhError && /^archive-/.test(error.code), String(error));
        failures++;
      }
    }
    assert.ok(failures > 100, String(failures));
  },
);

test('readImageSymbols gives up on an image made to take for ever, whatever is behind', { skip }, async () => {
  // Every word leads to a name, and all names are alike for as long as anyone looks.
  const endless = Buffer.alloc(8 << 20, 'a');
  for (let at = 0; at + 4 <= endless.length / 2; at += 4) endless.writeInt32LE(endless.length / 2, at);
  const { image } = buildKernel({ symbols });
  assert.equal((await read(Buffer.concat([Buffer.alloc(8 << 20), image]))).length, symbols.length);
  await assert.rejects(read(Buffer.concat([endless, image])), refused('no-exports'));
});
