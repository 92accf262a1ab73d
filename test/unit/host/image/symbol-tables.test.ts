import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KhError } from '../../../../host/src/core/error.js';
import type { SymbolTable } from '../../../../host/src/image/symbol-table.js';
import { formatSymbolTables, parseSymbolTables } from '../../../../host/src/image/symbol-tables.js';

const tables: readonly SymbolTable[] = [
  {
    source: { kind: 'image', path: '/dev/block/by-name/boot_a', sha256: 'a'.repeat(64) },
    exporter: 'vmlinux',
    complete: true,
    symbols: [
      { name: 'printk', crc: 0xffff_ffff, gpl: false },
      { name: '_raw_spin_lock', gpl: true, namespace: 'LOCKS' },
    ],
  },
  {
    source: { kind: 'imports', path: '/vendor/lib/modules/a b.ko' },
    complete: false,
    symbols: [{ name: 'x', crc: 1 }],
  },
];

function change(path: string, value: unknown): string {
  const top = JSON.parse(formatSymbolTables(tables)) as Record<string, unknown>;
  const names = path.split('.');
  const last = names.pop() ?? '';
  const holder = names.reduce((at, name) => at[name] as Record<string, unknown>, top);
  holder[last] = value;
  return JSON.stringify(top);
}

test('parseSymbolTables gives what formatSymbolTables was given', () => {
  const text = formatSymbolTables(tables);
  assert.deepEqual(parseSymbolTables(text), tables);
  assert.equal(formatSymbolTables(parseSymbolTables(text)), text);
  assert.deepEqual(parseSymbolTables(formatSymbolTables([])), []);
});

test('parseSymbolTables drops unknown fields', () => {
  assert.deepEqual(parseSymbolTables(change('tables.0.symbols.0.later', 1)), tables);
});

for (const [field, value] of [
  ['schema', 2],
  ['tables', {}],
  ['tables.0', 'x'],
  ['tables.0.source', null],
  ['tables.0.source.kind', 'guess'],
  ['tables.0.source.path', ''],
  ['tables.0.source.path', 'a\nb'],
  ['tables.0.source.sha256', 'abc'],
  ['tables.0.exporter', 'a b'],
  ['tables.0.exporter', 'a\tb'],
  ['tables.0.complete', 1],
  ['tables.0.symbols', 'printk'],
  ['tables.0.symbols.0', []],
  ['tables.0.symbols.0.name', 'a\tb'],
  ['tables.0.symbols.0.name', '$(rm)'],
  ['tables.0.symbols.0.name', 'x'.repeat(512)],
  ['tables.0.symbols.0.crc', -1],
  ['tables.0.symbols.0.crc', 2 ** 32],
  ['tables.0.symbols.0.crc', 1.5],
  ['tables.0.symbols.0.crc', '1'],
  ['tables.0.symbols.0.gpl', 'yes'],
  ['tables.0.symbols.0.namespace', 'a b'],
] as const) {
  test(`parseSymbolTables refuses ${JSON.stringify(value).slice(0, 20)} as ${field}`, () => {
    const refused = (error: unknown) =>
      error instanceof KhError && error.code === 'cache-corrupt' && error.details.reason === field;
    assert.throws(() => parseSymbolTables(change(field, value)), refused);
  });
}

test('parseSymbolTables refuses what is no JSON object', () => {
  for (const text of ['', '[]', 'null', '{', '{"schema":1}', '{"schema":1,"tables":[null]}']) {
    assert.throws(() => parseSymbolTables(text), { code: 'cache-corrupt' });
  }
});
