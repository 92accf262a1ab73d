import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLoadedExports } from '../../../../host/src/run/loaded-exports.js';

const lines = [
  'ffffffff81000000 r __ksymtab__printk',
  '0000000000000000 r __ksymtab_veth_get\t[veth]',
  'ffffffff81000000 r __ksymtab_bad name',
  'ffffffff81000000 r __ksymtab_x\t[other]',
  'ffffffff81000000 T _printk',
  'nonsense',
];

test('parseLoadedExports: the kernel’s and each loaded module’s, nothing of others', () => {
  const tables = parseLoadedExports(lines.join('\n'), ['veth', 'dummy']);
  const told = tables.map(({ exporter, complete, symbols }) => [exporter, complete, symbols.map(({ name }) => name)]);
  assert.deepEqual(told, [
    ['veth', true, ['veth_get']],
    ['dummy', true, []],
    ['vmlinux', true, ['_printk']],
  ]);
});

test('parseLoadedExports: without a line of the kernel nothing is known', () => {
  assert.deepEqual(parseLoadedExports(lines.slice(1).join('\n'), ['veth']), []);
});
