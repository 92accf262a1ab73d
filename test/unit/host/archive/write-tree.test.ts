import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
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
import { diskError, TreeWriter } from '../../../../host/src/archive/write-tree.js';
import type { FileContent } from '../../../../host/src/core/tree.js';

const root = mkdtempSync(join(tmpdir(), 'kheaders-write-'));
after(() => rmSync(root, { recursive: true }));

const nobody = 65534;
const modes = { file: 0o444, program: 0o555 };

/** The content between other bytes. */
function contentOf(text: string): FileContent {
  return { bytes: Buffer.from(`before${text}behind`), at: 6, size: text.length };
}

test('TreeWriter creates directories, files with the mode of their kind, and links', () => {
  for (const [name, chosen] of Object.entries({ sealed: modes, open: { file: 0o600, program: 0o700 } })) {
    const top = join(root, name);
    mkdirSync(top);
    const writer = new TreeWriter(top, chosen);
    writer.directory('d');
    writer.directory('d/e');
    writer.file('d/e/f', 'program', contentOf('hello'));
    writer.file('d/empty', 'file', contentOf(''));
    writer.file('d/large', 'file', contentOf('x'.repeat(1 << 20)));
    writer.symlink('l', 'd/e/f');
    assert.equal(readFileSync(join(top, 'l'), 'utf8'), 'hello');
    assert.equal(readlinkSync(join(top, 'l')), 'd/e/f');
    assert.equal(statSync(join(top, 'd/empty')).size, 0);
    assert.equal(readFileSync(join(top, 'd/large'), 'utf8'), 'x'.repeat(1 << 20));
    // No umask takes anything from the user.
    const modeOf = (path: string) => statSync(join(top, path)).mode & 0o700;
    assert.deepEqual([modeOf('d/e/f'), modeOf('d/empty')], [chosen.program & 0o700, chosen.file & 0o700]);
    assert.deepEqual([modeOf('d'), modeOf('d/e')], [0o700, 0o700]);
  }
});

test('TreeWriter never replaces a file and never writes through a link', () => {
  const writer = new TreeWriter(root, modes);
  writeFileSync(join(root, 'victim'), 'whole');
  symlinkSync('victim', join(root, 'trap'));
  symlinkSync('nowhere', join(root, 'loose'));
  for (const name of ['victim', 'trap', 'loose']) {
    const expected = { code: 'cache-unwritable', details: { path: join(root, name), reason: 'EEXIST' } };
    assert.throws(() => writer.file(name, 'file', contentOf('x')), expected);
    assert.throws(() => writer.directory(name), expected);
    assert.throws(() => writer.symlink(name, 'x'), expected);
  }
  assert.equal(readFileSync(join(root, 'victim'), 'utf8'), 'whole');
});

test('diskError calls a full disk and a full quota disk-full, with the path', () => {
  for (const code of ['ENOSPC', 'EDQUOT']) {
    const error = diskError(Object.assign(new Error('write'), { code }), '/c/f');
    assert.deepEqual([error.code, error.details], ['disk-full', { path: '/c/f', reason: code }]);
  }
});

test('TreeWriter says cache-unwritable where it may not write', () => {
  chmodSync(root, 0o555);
  // Root may write anywhere.
  const isRoot = process.geteuid?.() === 0;
  try {
    if (isRoot) process.seteuid?.(nobody);
    assert.throws(() => new TreeWriter(root, modes).directory('x'), {
      code: 'cache-unwritable',
      details: { path: join(root, 'x'), reason: 'EACCES' },
    });
  } finally {
    if (isRoot) process.seteuid?.(0);
    chmodSync(root, 0o755);
  }
});

test('TreeWriter says cache-unwritable where the directory is gone', () => {
  const writer = new TreeWriter(join(root, 'gone'), modes);
  assert.throws(() => writer.file('x', 'file', contentOf('x')), { code: 'cache-unwritable' });
});
