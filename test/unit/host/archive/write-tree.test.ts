import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { diskError, makeTreeWriter } from '../../../../host/src/archive/write-tree.js';

const root = mkdtempSync(join(tmpdir(), 'kheaders-write-'));
after(() => rmSync(root, { recursive: true }));

test('makeTreeWriter creates directories, files with their mode, and links', () => {
  const writer = makeTreeWriter(root);
  writer.makeDirectory('d');
  writer.writeFile('d/f', 0o555, Buffer.from('hello'));
  writer.writeFile('d/empty', 0o444, Buffer.alloc(0));
  writer.makeLink('l', 'd/f');
  assert.equal(readFileSync(join(root, 'l'), 'utf8'), 'hello');
  assert.equal(statSync(join(root, 'd/empty')).size, 0);
  assert.equal(readlinkSync(join(root, 'l')), 'd/f');
  assert.equal(statSync(join(root, 'd/f')).mode & 0o700, 0o555 & 0o700);
});

test('makeTreeWriter never replaces a file and never writes through a link', () => {
  const writer = makeTreeWriter(root);
  writeFileSync(join(root, 'victim'), 'whole');
  symlinkSync('victim', join(root, 'trap'));
  symlinkSync('nowhere', join(root, 'loose'));
  for (const name of ['victim', 'trap', 'loose']) {
    const expected = { code: 'cache-unwritable', details: { path: join(root, name), reason: 'EEXIST' } };
    assert.throws(() => writer.writeFile(name, 0o644, Buffer.from('x')), expected);
    assert.throws(() => writer.makeDirectory(name), expected);
    assert.throws(() => writer.makeLink(name, 'x'), expected);
  }
  assert.equal(readFileSync(join(root, 'victim'), 'utf8'), 'whole');
});

test('diskError calls a full disk and a full quota disk-full, with the path', () => {
  for (const code of ['ENOSPC', 'EDQUOT']) {
    const error = diskError(Object.assign(new Error('write'), { code }), '/c/f');
    assert.deepEqual([error.code, error.details], ['disk-full', { path: '/c/f', reason: code }]);
  }
});

test(
  'makeTreeWriter says cache-unwritable where it may not write',
  { skip: process.getuid?.() === 0 && 'root may write anywhere' },
  () => {
    chmodSync(root, 0o555);
    try {
      assert.throws(() => makeTreeWriter(root).makeDirectory('x'), { code: 'cache-unwritable' });
    } finally {
      chmodSync(root, 0o755);
    }
  },
);

test('makeTreeWriter says cache-unwritable where the directory is gone', () => {
  const writer = makeTreeWriter(join(root, 'gone'));
  assert.throws(() => writer.writeFile('x', 0o644, Buffer.alloc(1)), { code: 'cache-unwritable' });
});
