import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKhError } from '../../../../host/src/core/error.js';
import { formatTree, makeTree, parseTree, publishedMode, type TreeEntry } from '../../../../host/src/core/tree.js';
import { contentOf, seeded, sha256 } from './support/fixture.js';

const hash = sha256('x');
const file = (path: string, mode = 0o644): TreeEntry => ({ path, kind: 'file', mode, size: 1, sha256: hash });

test('formatTree writes one line per entry in the order of the path bytes', () => {
  const entries: readonly TreeEntry[] = [
    file('b/a,b -> c.h'),
    file('b-c', 0o755),
    { path: 'b', kind: 'directory', mode: 0o755, size: 0 },
    { path: 'a', kind: 'symlink', mode: 0o777, size: 0, target: '../x' },
    file('\u{1f600}'),
    file('\ufb00'),
  ];
  assert.equal(
    formatTree(entries),
    `l\t../x\ta\nd\tb\nx\t1\t${hash}\tb-c\nf\t1\t${hash}\tb/a,b -> c.h\nf\t1\t${hash}\t\ufb00\nf\t1\t${hash}\t\u{1f600}\n`,
  );
});

test('makeTree adds implied directories, counts, and hashes the canonical text', () => {
  const tree = makeTree([file('a/b/c.h'), file('a/d.h')]);
  assert.deepEqual(
    tree.entries.map((entry) => entry.path),
    ['a', 'a/b', 'a/b/c.h', 'a/d.h'],
  );
  const { files, directories, symlinks, bytes, digest } = tree;
  assert.deepEqual([files, directories, symlinks, bytes], [2, 2, 0, 2]);
  assert.equal(tree.text, formatTree(tree.entries));
  assert.equal(digest, sha256(tree.text));
});

test('makeTree ends for paths no policy would let through', () => {
  assert.ok(makeTree([file('/a/b'), file('../c')]).entries.length >= 2);
});

test('parseTree reads what formatTree writes', () => {
  const entries = contentOf('x').map(([path, content]) => ({ ...file(path), size: content.length }));
  const tree = makeTree([...entries, file('run', 0o700)]);
  const again = parseTree(formatTree(tree.entries));
  assert.equal(again.digest, tree.digest);
  assert.equal(again.bytes, tree.bytes);
  assert.equal(again.entries.find((entry) => entry.path === 'run')?.mode, 0o555);
  assert.deepEqual(parseTree('').entries, []);
});

const line = (path: string) => `f\t1\t${hash}\t${path}\n`;
const refused: Readonly<Record<string, string>> = {
  'an unended line': 'd\ta',
  'an empty line': 'd\ta\n\n',
  'an unknown letter': 'q\ta\n',
  'an absolute path': line('/etc/passwd'),
  'a way out': line('../x'),
  'a dot': line('./x'),
  'a slash at the end': 'd\ta/\n',
  'an empty name': line('a//b'),
  'a control character': line('a\u0007'),
  'a control character in a target': 'l\ta\u001b[2J\tb\n',
  'a second path': `${line('a')}${line('a')}`,
  'a wrong order': `${line('b')}${line('a')}`,
  'a missing directory': line('a/b'),
  'a path below a file': line('a') + line('a/b'),
  'a leading zero': `f\t01\t${hash}\ta\n`,
  'a short hash': `f\t1\t${hash.slice(1)}\ta\n`,
};
for (const [what, text] of Object.entries(refused)) {
  test(`parseTree refuses ${what}`, () => {
    assert.throws(
      () => parseTree(text),
      (error) => isKhError(error, 'cache-corrupt'),
    );
  });
}

test('parseTree gives a tree of the same text or cache-corrupt for 300 damaged texts', () => {
  const random = seeded(7);
  const text = formatTree(makeTree(contentOf('m').map(([path]) => file(path))).entries);
  for (let n = 0; n < 300; n++) {
    const at = Math.floor(random() * text.length);
    const damaged = text.slice(0, at) + String.fromCharCode(Math.floor(random() * 128)) + text.slice(at + 1);
    try {
      assert.equal(formatTree(parseTree(damaged).entries), damaged);
    } catch (error) {
      assert.ok(isKhError(error, 'cache-corrupt'), String(error));
    }
  }
});

test('publishedMode keeps only whether a file can be run', () => {
  assert.equal(publishedMode({ kind: 'file', mode: 0o4644 }), 0o444);
  assert.equal(publishedMode({ kind: 'file', mode: 0o100 }), 0o555);
  assert.equal(publishedMode({ kind: 'directory', mode: 0 }), 0o555);
});
