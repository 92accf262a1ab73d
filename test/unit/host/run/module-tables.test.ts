import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KernelModule } from '../../../../host/src/image/kernel-module.js';
import { tablesOf } from '../../../../host/src/run/module-tables.js';

const file = { path: '/vendor/lib/modules/tun.ko', bytes: Buffer.from('tun') };
const kernel = { release: '6.1.25', loaded: ['zram'], crcs: new Map([['_printk', 5]]) };

function moduleOf(rest: Partial<KernelModule>): KernelModule {
  return {
    name: 'tun',
    vermagic: '6.1.25 SMP',
    modinfo: new Map(),
    machine: 183,
    is64: true,
    imports: [],
    versions: new Map([
      ['_printk', 5],
      ['bad name', 6],
    ]),
    exports: [{ name: 'tun_get', crc: 7, gpl: true }],
    structModuleSize: 960,
    signed: false,
    sections: [],
    ...rest,
  };
}

test('tablesOf: what a module exports and was built against, and what its like looks like', () => {
  const { tables, form } = tablesOf(moduleOf({}), file, kernel)!;
  const told = tables.map(({ source: { kind }, exporter, complete, symbols }) => [kind, exporter, complete, symbols]);
  assert.deepEqual(told, [
    ['exports', 'tun', true, [{ name: 'tun_get', crc: 7, gpl: true }]],
    ['imports', undefined, false, [{ name: '_printk', crc: 5 }]],
  ]);
  assert.deepEqual(form, { vermagic: '6.1.25 SMP', structModuleSize: 960, path: file.path });
});

test('tablesOf takes nothing of another build of the same release', () => {
  const crcs = new Map([['_printk', 6]]);
  assert.equal(tablesOf(moduleOf({}), file, { ...kernel, crcs }), undefined);
});

test('tablesOf believes a module of another release only where this kernel has loaded it', () => {
  const vermagic = '6.1.24 SMP';
  assert.equal(tablesOf(moduleOf({ vermagic }), file, kernel), undefined);
  const loaded = tablesOf(moduleOf({ vermagic, name: 'zram' }), file, kernel);
  assert.deepEqual([loaded?.tables.length, loaded?.form], [2, undefined]);
  for (const name of [undefined, '../x', 'a b']) assert.equal(tablesOf(moduleOf({ name }), file, kernel), undefined);
});
