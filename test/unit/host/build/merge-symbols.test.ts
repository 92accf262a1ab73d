import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listKnownNames, mergeSymbols } from '../../../../host/src/build/merge-symbols.js';
import type { KernelSymbol, SymbolTable } from '../../../../host/src/image/symbol-table.js';

function table(
  kind: SymbolTable['source']['kind'],
  path: string,
  exporter: string | undefined,
  symbols: readonly KernelSymbol[],
): SymbolTable {
  return { source: { kind, path }, ...(exporter === undefined ? {} : { exporter }), complete: false, symbols };
}

test('mergeSymbols adds up what sources know, and counts what each gave', () => {
  const merged = mergeSymbols([
    table('imports', 'a.ko', undefined, [
      { name: 'printk', crc: 1 },
      { name: 'hid', crc: 2 },
    ]),
    table('imports', 'b.ko', undefined, [{ name: 'printk', crc: 1 }]),
    table('image', 'boot.img', 'vmlinux', [
      { name: 'printk', gpl: false },
      { name: 'lonely', gpl: true },
    ]),
    table('exports', 'hid.ko', 'hid', [{ name: 'hid', crc: 2, gpl: true, namespace: 'HID' }]),
  ]);
  assert.deepEqual(merged, {
    lines: [
      { symbol: { name: 'hid', crc: 2, gpl: true, namespace: 'HID' }, exporter: 'hid' },
      { symbol: { name: 'printk', crc: 1, gpl: false }, exporter: 'vmlinux' },
    ],
    withoutCrc: ['lonely'],
    sources: [
      { kind: 'imports', path: 'a.ko', crcs: 2 },
      { kind: 'imports', path: 'b.ko', crcs: 1 },
      { kind: 'image', path: 'boot.img', crcs: 0 },
      { kind: 'exports', path: 'hid.ko', crcs: 1 },
    ],
  });
  assert.deepEqual([...listKnownNames(merged)].sort(), ['hid', 'lonely', 'printk']);
});

test('mergeSymbols makes up no dependency where nobody tells the exporter', () => {
  const { lines } = mergeSymbols([table('imports', 'a.ko', undefined, [{ name: 'x', crc: 7 }])]);
  assert.deepEqual(lines, [{ symbol: { name: 'x', crc: 7 }, exporter: 'vmlinux' }]);
});

test('mergeSymbols names both sources where two CRCs contradict each other', () => {
  const tables = [
    table('image', 'boot.img', 'vmlinux', [{ name: 'printk', crc: 1 }]),
    table('symvers', 'Module.symvers', 'vmlinux', [{ name: 'printk' }]),
    table('imports', 'a.ko', undefined, [{ name: 'printk', crc: 0xdeadbeef }]),
  ];
  assert.throws(() => mergeSymbols(tables), {
    code: 'build-failed',
    details: {
      entry: 'printk',
      expected: '0x00000001 (image boot.img)',
      actual: '0xdeadbeef (imports a.ko)',
      reason: '0x00000001 (image boot.img), but 0xdeadbeef (imports a.ko): they are not of one kernel',
    },
  });
});
