import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultLimits } from '../../../../host/src/archive/limits.js';
import { EntryPolicy, type PolicyOptions } from '../../../../host/src/archive/policy.js';
import type { TarEntry } from '../../../../host/src/archive/tar.js';
import { KhError } from '../../../../host/src/core/error.js';

type Short = readonly [path: string, kind?: TarEntry['kind'], linkTarget?: string, mode?: number];

function entry([path, kind = 'file', linkTarget = '', mode = 0o644]: Short): TarEntry {
  return { path, kind, mode, linkTarget, size: 0, content: Buffer.alloc(0) };
}

function judge(entries: readonly Short[], options: Partial<PolicyOptions> = {}) {
  const policy = new EntryPolicy({ limits: defaultLimits, caseInsensitive: false, windows: false, ...options });
  return { created: entries.flatMap((short) => policy.judge(entry(short))), links: policy.finish() };
}

function refuses(entries: readonly Short[], reason: string, options: Partial<PolicyOptions> = {}, shown?: string) {
  assert.throws(
    () => judge(entries, options),
    (error) => {
      assert.ok(error instanceof KhError);
      assert.equal(error.code, 'archive-refused');
      assert.equal(error.details.reason, reason);
      if (shown !== undefined) assert.equal(error.details.entry, shown);
      return true;
    },
  );
}

test('EntryPolicy accepts files, directories and inner links, and normalises their paths', () => {
  const { created, links } = judge([
    ['./', 'directory'],
    ['./d//', 'directory'],
    ['.//d/f', 'file', '', 0o664],
    ['d/x', 'file', '', 0o4711],
    ['d/..f...', 'file'],
    ['d/l', 'symlink', '../d/./f'],
    ['d/m', 'symlink', 'l'],
    ['e', 'symlink', 'd'],
  ]);
  assert.deepEqual(created, [
    { path: 'd', kind: 'directory', mode: 0o755 },
    { path: 'd/f', kind: 'file', mode: 0o644 },
    { path: 'd/x', kind: 'file', mode: 0o755 },
    { path: 'd/..f...', kind: 'file', mode: 0o644 },
  ]);
  assert.deepEqual(links, [
    { path: 'd/l', target: '../d/./f' },
    { path: 'd/m', target: 'l' },
    { path: 'e', target: 'd' },
  ]);
});

test('EntryPolicy creates directories that are only implied, once, and lets them be named later', () => {
  const { created } = judge([['a/b/c'], ['a/b/d'], ['a', 'directory'], ['a/b', 'directory']]);
  assert.deepEqual(
    created.map(({ path }) => path),
    ['a', 'a/b', 'a/b/c', 'a/b/d'],
  );
});

const badPaths: readonly (readonly [string, string])[] = [
  ['', 'empty-path'],
  ['.', 'empty-path'],
  ['./', 'empty-path'],
  ['/etc/passwd', 'absolute-path'],
  ['//x', 'absolute-path'],
  ['..', 'parent-path'],
  ['../x', 'parent-path'],
  ['./../x', 'parent-path'],
  ['a/../../x', 'parent-path'],
  ['a/..', 'parent-path'],
  ['a//b', 'empty-component'],
  ['a/./b', 'empty-component'],
  ['a/', 'empty-component'],
  ['a\0b', 'control-character'],
  ['a\nb', 'control-character'],
  ['a\x1b[2J', 'control-character'],
  ['a\x9bb', 'control-character'],
  ['a\u202eb', 'control-character'],
  ['a\u2028b', 'control-character'],
  ['x'.repeat(256), 'path-length'],
  ['é'.repeat(128), 'path-length'],
  ['x/'.repeat(512) + 'y', 'path-length'],
];

for (const [path, reason] of badPaths) {
  test(`EntryPolicy refuses the path ${JSON.stringify(path.slice(0, 20))}: ${reason}`, () => refuses([[path]], reason));
}

test('EntryPolicy accepts paths and names of exactly the greatest length', () => {
  assert.equal(judge([['x'.repeat(255)], ['x/'.repeat(511) + 'yy']]).created.at(-1)?.path.length, 1024);
});

test('EntryPolicy shows a hostile path in printable form', () => {
  refuses([['a\x1b[2J\u202e']], 'control-character', {}, 'a\\x1b[2J\\u{202e}');
});

for (const path of ['a\\b', 'C:\\x', 'C:x', 'a:stream', 'a ', 'a.', 'a?', 'a./b']) {
  test(`EntryPolicy refuses ${path} on Windows only`, () => {
    refuses([[path]], 'windows-name', { windows: true });
    assert.equal(judge([[path]]).created.at(-1)?.path, path);
  });
}

test('EntryPolicy refuses hard links and devices', () => {
  refuses([['a'], ['b', 'hardlink', 'a']], 'hard-link');
  refuses([['a', 'other']], 'entry-kind');
});

for (const [name, entries] of [
  ['two files', [['a'], ['./a']]],
  [
    'two directories',
    [
      ['a', 'directory'],
      ['a/', 'directory'],
    ],
  ],
  ['a link over a file', [['a'], ['a', 'symlink', 'b']]],
  ['a file over a link', [['b'], ['a', 'symlink', 'b'], ['a']]],
  ['a file over a directory', [['a', 'directory'], ['a']]],
  ['a file over an implied directory', [['a/b'], ['a']]],
  ['a directory named twice after being implied', [['a/b'], ['a', 'directory'], ['a', 'directory']]],
] as const satisfies readonly (readonly [string, readonly Short[]])[]) {
  test(`EntryPolicy refuses ${name}`, () => refuses(entries, 'duplicate'));
}

test('EntryPolicy refuses entries below a file or a link', () => {
  refuses([['a'], ['a/b']], 'below-file');
  refuses([['a'], ['a/b/c', 'directory']], 'below-file');
  refuses([['d', 'directory'], ['a', 'symlink', 'd'], ['a/b']], 'below-file');
  refuses([['a', 'symlink', '/etc'], ['a/b/c']], 'below-file');
});

const twins: readonly (readonly [string, string])[] = [
  ['d/xt_MARK.h', 'd/xt_mark.h'],
  ['d/\u00e9', 'd/e\u0301'],
  ['d/stra\u00dfe', 'd/STRASSE'],
  ['d/\u212a', 'd/k'],
  ['D/a', 'd/b'],
];

for (const [one, other] of twins) {
  test(`EntryPolicy refuses ${one} beside ${other} only where case does not count`, () => {
    refuses([[one], [other]], 'case-clash', { caseInsensitive: true });
    assert.equal(judge([[one], [other]]).created.filter(({ kind }) => kind === 'file').length, 2);
  });
}

const badLinks: readonly (readonly [string, string, string])[] = [
  ['a', '/etc/passwd', 'symlink-absolute'],
  ['a', '..', 'symlink-escape'],
  ['d/a', '../../x', 'symlink-escape'],
  ['d/a', '../d/../../d/f', 'symlink-escape'],
  ['a', 'nothing', 'symlink-dangling'],
  ['a', 'd/f/..', 'symlink-dangling'],
  ['a', 'd/none/../f', 'symlink-dangling'],
  ['a', 'a', 'symlink-dangling'],
  ['a', 'to-d/f', 'symlink-through-link'],
  ['a', 'to-d/../../x', 'symlink-through-link'],
  ['a', '', 'symlink-name'],
  ['a', 'd/\x1b', 'symlink-name'],
];

for (const [path, target, reason] of badLinks) {
  test(`EntryPolicy refuses a link ${path} to ${JSON.stringify(target)}: ${reason}`, () => {
    refuses([['d/f'], ['to-d', 'symlink', 'd'], [path, 'symlink', target]], reason, {}, path);
  });
}

test('EntryPolicy refuses links in a ring', () => {
  refuses(
    [
      ['a', 'symlink', 'b'],
      ['b', 'symlink', 'a'],
    ],
    'symlink-dangling',
  );
});

test('EntryPolicy refuses a backslash or drive in a link on Windows', () => {
  for (const target of ['d\\f', 'C:f']) refuses([['d/f'], ['a', 'symlink', target]], 'symlink-name', { windows: true });
});

test('EntryPolicy recognises an archive made of links that lead nowhere', () => {
  const links = (count: number) =>
    Array.from({ length: count }, (_, index): Short => [`l${index}`, 'symlink', `/sandbox/${index}`]);
  const files = (count: number) => Array.from({ length: count }, (_, index): Short => [`f${index}`]);
  refuses([...files(20), ...links(21)], 'symlink-archive');
  refuses([...files(20), ...links(20)], 'symlink-absolute');
  refuses([...files(21), ...links(21)], 'symlink-absolute');
});

test('EntryPolicy counts entries, implied directories among them', () => {
  const limits = { ...defaultLimits, entries: 3 };
  assert.equal(judge([['a'], ['b']], { limits }).created.length, 2);
  refuses([['a'], ['b'], ['c']], 'entry-limit', { limits });
  refuses([['a/b/c']], 'entry-limit', { limits });
});
