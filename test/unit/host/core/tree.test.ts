import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAsLarge, makeTree, publishedMode, type TreeKind } from '../../../../host/src/core/tree.js';

const kinds: ReadonlyMap<string, TreeKind> = new Map([
  ['b', 'directory'],
  ['b/a,b -> c.h', 'file'],
  ['b/run', 'program'],
  ['b/d.h', 'file'],
  ['a', 'symlink'],
  ['b/c', 'directory'],
]);

test('makeTree counts each kind, and programs as files', () => {
  const tree = makeTree(kinds, 12);
  assert.deepEqual(tree, { kinds, files: 3, directories: 2, symlinks: 1, bytes: 12 });
  assert.deepEqual(makeTree(new Map(), 0), { kinds: new Map(), files: 0, directories: 0, symlinks: 0, bytes: 0 });
});

test('isAsLarge looks at each count, and not at names', () => {
  const tree = makeTree(kinds, 12);
  const renamed = makeTree(new Map([...kinds].map(([path, kind]) => [`x${path}`, kind])), 12);
  const { files, directories, symlinks, bytes } = tree;
  assert.equal(isAsLarge(renamed, tree), true);
  assert.equal(isAsLarge({ files, directories, symlinks, bytes }, tree), true);
  for (const count of ['files', 'directories', 'symlinks', 'bytes'] as const) {
    for (const change of [-1, 1]) {
      const other = { files, directories, symlinks, bytes, [count]: tree[count] + change };
      assert.deepEqual([isAsLarge(other, tree), isAsLarge(tree, other)], [false, false], count);
    }
  }
});

test('publishedMode keeps only whether a file can be run', () => {
  assert.equal(publishedMode('file'), 0o444);
  assert.equal(publishedMode('program'), 0o555);
  assert.equal(publishedMode('directory'), 0o555);
});
