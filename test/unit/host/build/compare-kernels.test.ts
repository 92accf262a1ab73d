import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareConfigs, compareTrees } from '../../../../host/src/build/compare-kernels.js';
import { parseDotConfig } from '../../../../host/src/build/kernel-config.js';

test('compareTrees finds what was added, removed and changed', () => {
  const a = new Map([
    ['same.h', 'file 1'],
    ['old.h', 'file 1'],
    ['edit.h', 'file 1'],
    ['l.h', 'symlink same.h'],
    ['kind.h', 'file 1'],
    ['empty.h', ''],
  ]);
  const b = new Map([
    ['empty.h', ''],
    ['same.h', 'file 1'],
    ['edit.h', 'file 2'],
    ['new.h', 'file 1'],
    ['l.h', 'symlink new.h'],
    ['kind.h', 'symlink 1'],
    ['empty-too.h', ''],
  ]);
  assert.deepEqual(compareTrees(a, b), [
    { path: 'edit.h', change: 'changed' },
    { path: 'empty-too.h', change: 'added' },
    { path: 'kind.h', change: 'changed' },
    { path: 'l.h', change: 'changed' },
    { path: 'new.h', change: 'added' },
    { path: 'old.h', change: 'removed' },
  ]);
  assert.deepEqual(compareTrees(a, a), []);
  assert.deepEqual(compareTrees(a, new Map([...a].reverse())), []);
});

test('compareConfigs gives both values, and none where an option is not set', () => {
  const a = parseDotConfig('CONFIG_A=y\nCONFIG_B=m\nCONFIG_C="x\\"y"\nCONFIG_SAME=3\n');
  const b = parseDotConfig('CONFIG_A=m\nCONFIG_C="z"\nCONFIG_SAME=3\nCONFIG_D=0x10\n');
  assert.deepEqual(compareConfigs(a, b), [
    { name: 'CONFIG_A', a: 'y', b: 'm' },
    { name: 'CONFIG_B', a: 'm', b: undefined },
    { name: 'CONFIG_C', a: '"x\\"y"', b: '"z"' },
    { name: 'CONFIG_D', a: undefined, b: '0x10' },
  ]);
});
