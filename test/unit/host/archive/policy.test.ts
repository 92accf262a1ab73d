import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultLimits } from '../../../../host/src/archive/limits.js';
import { type Accepted, EntryPolicy, type PolicyOptions } from '../../../../host/src/archive/policy.js';
import type { TarEntry } from '../../../../host/src/archive/tar.js';
import { KhError } from '../../../../host/src/core/error.js';

type Short = readonly [path: string, kind?: TarEntry['kind'], linkTarget?: string, mode?: number];

function entry([path, kind = 'file', linkTarget = '', mode = 0o644]: Short): TarEntry {
  return { path, kind, mode, linkTarget, size: 0 };
}

interface Created {
  readonly path: string;
  readonly kind: Exclude<Accepted['kind'], undefined>;
}

/** What is to be made for an entry, in this order. */
function listCreated({ parents, path, kind }: Accepted): readonly Created[] {
  const implied = parents.map((parent) => ({ path: parent, kind: 'directory' as const }));
  return kind === undefined ? implied : [...implied, { path, kind }];
}

function judge(entries: readonly Short[], options: Partial<PolicyOptions> = {}) {
  const policy = new EntryPolicy({ limits: defaultLimits, caseInsensitive: false, windows: false, ...options });
  const created = entries.flatMap((short) => listCreated(policy.judge(entry(short))));
  return { created, paths: created.map(({ path }) => path), ...policy.finish() };
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
  const { created, links, kinds } = judge([
    ['./', 'directory'],
    ['./d//', 'directory'],
    ['.//d/f', 'file', '', 0o664],
    ['d/x', 'file', '', 0o4711],
    ['d/y', 'file', '', 0o4610],
    ['d/..f...', 'file'],
    ['d/l', 'symlink', '../d/./f'],
    ['d/m', 'symlink', 'l'],
    ['e', 'symlink', 'd'],
  ]);
  assert.deepEqual(created, [
    { path: 'd', kind: 'directory' },
    { path: 'd/f', kind: 'file' },
    { path: 'd/x', kind: 'program' },
    { path: 'd/y', kind: 'program' },
    { path: 'd/..f...', kind: 'file' },
  ]);
  assert.deepEqual(links, [
    { path: 'd/l', target: '../d/./f' },
    { path: 'd/m', target: 'l' },
    { path: 'e', target: 'd' },
  ]);
  const linked = links.map(({ path }) => [path, 'symlink'] as const);
  assert.deepEqual(kinds, new Map([...created.map(({ path, kind }) => [path, kind] as const), ...linked]));
});

test('EntryPolicy says of each entry what is to be made now', () => {
  const policy = new EntryPolicy({ limits: defaultLimits, caseInsensitive: false, windows: false });
  const steps: readonly (readonly [Short, Accepted])[] = [
    [['./', 'directory'], { parents: [], path: '', kind: undefined }],
    [['a/b/c'], { parents: ['a', 'a/b'], path: 'a/b/c', kind: 'file' }],
    [['a/b/l', 'symlink', 'c', 0o777], { parents: [], path: 'a/b/l', kind: undefined }],
    [['a/b', 'directory'], { parents: [], path: 'a/b', kind: undefined }],
    [['a/d', 'directory'], { parents: [], path: 'a/d', kind: 'directory' }],
    [['e/l', 'symlink', '../a/b'], { parents: ['e'], path: 'e/l', kind: undefined }],
    [['e/f/', 'directory'], { parents: [], path: 'e/f', kind: 'directory' }],
  ];
  for (const [short, accepted] of steps) assert.deepEqual(policy.judge(entry(short)), accepted);
  const kinds = { a: 'directory', 'a/b': 'directory', 'a/b/c': 'file', 'a/b/l': 'symlink', 'a/d': 'directory' };
  const more = { e: 'directory', 'e/l': 'symlink', 'e/f': 'directory' };
  assert.deepEqual(policy.finish().kinds, new Map(Object.entries({ ...kinds, ...more })));
});

test('EntryPolicy creates directories that are only implied, once, and lets them be named later', () => {
  const { paths } = judge([['a/b/c'], ['a/b/d'], ['a', 'directory'], ['a/b', 'directory']]);
  assert.deepEqual(paths, ['a', 'a/b', 'a/b/c', 'a/b/d']);
});

test('EntryPolicy keeps folders apart, whichever the entry before was in', () => {
  const many = (folder: string) => Array.from({ length: 50 }, (_, n) => `${folder}f${n}`);
  const [there, elsewhere, back] = [many('a/b/'), many('a/c/'), many('a/b/again-')];
  const { paths } = judge([...there, ...elsewhere, ...back].map((path): Short => [path]));
  assert.deepEqual(paths, ['a', 'a/b', ...there, 'a/c', ...elsewhere, ...back]);
});

test('EntryPolicy is not misled by a path that begins like the folder of the entry before', () => {
  for (const [second, ...created] of [
    ['a/b/c', 'a/b/c'],
    ['a/bc', 'a/bc'],
    ['a/bc/d', 'a/bc', 'a/bc/d'],
    ['a/b/c/d', 'a/b/c', 'a/b/c/d'],
    ['a/b/c/d/e', 'a/b/c', 'a/b/c/d', 'a/b/c/d/e'],
    ['b', 'b'],
    ['b/x', 'b', 'b/x'],
    ['a/x', 'a/x'],
    ['ab/x', 'ab', 'ab/x'],
  ] as const) {
    assert.deepEqual(judge([['a/b/x'], [second]]).paths, ['a', 'a/b', 'a/b/x', ...created], second);
  }
  assert.deepEqual(judge([['x'], ['y/z'], ['w']]).paths, ['x', 'y', 'y/z', 'w']);
});

test('EntryPolicy refuses what is below a file in the folder of the entry before', () => {
  refuses([['a/b/x'], ['a/b/x/y']], 'below-file');
  refuses([['a/b/x'], ['a/b/y'], ['a/b/x/y/z']], 'below-file');
  refuses([['a/b/x'], ['a/b/l', 'symlink', 'x'], ['a/b/l/y']], 'below-file');
  refuses([['x'], ['x/y']], 'below-file');
});

test('EntryPolicy refuses a second file in the folder of the entry before, also after another folder', () => {
  refuses([['a/b/x'], ['a/b/y'], ['a/b/x']], 'duplicate');
  refuses([['a/b/x'], ['c/y'], ['a/b/x']], 'duplicate');
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
