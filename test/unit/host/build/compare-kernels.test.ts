import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareConfigs, compareTrees } from '../../../../host/src/build/compare-kernels.js';
import { parseDotConfig } from '../../../../host/src/build/kernel-config.js';
import type { TreeEntry } from '../../../../host/src/core/tree.js';

function file(path: string, content: string): TreeEntry {
  return { path, kind: 'file', mode: 0o444, size: 1, sha256: content.repeat(64) };
}

function link(path: string, target: string): TreeEntry {
  return { path, kind: 'symlink', mode: 0o777, size: 0, target };
}

test('compareTrees finds what was added, removed and changed, and no folders', () => {
  const folder: TreeEntry = { path: 'x', kind: 'directory', mode: 0o555, size: 0 };
  const a = [file('same.h', 'a'), file('old.h', 'a'), file('edit.h', 'a'), link('l.h', 'same.h'), file('kind.h', 'a')];
  const b = [
    folder,
    file('same.h', 'a'),
    file('edit.h', 'b'),
    file('new.h', 'a'),
    link('l.h', 'new.h'),
    link('kind.h', 'a'),
  ];
  assert.deepEqual(compareTrees(a, b), [
    { path: 'edit.h', change: 'changed' },
    { path: 'kind.h', change: 'changed' },
    { path: 'l.h', change: 'changed' },
    { path: 'new.h', change: 'added' },
    { path: 'old.h', change: 'removed' },
  ]);
  assert.deepEqual(compareTrees(a, a), []);
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
