import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { extractArchive, type ExtractOptions, walkArchive } from '../../../../host/src/archive/extract.js';
import { defaultLimits } from '../../../../host/src/archive/limits.js';
import { makeContext } from '../../../../host/src/core/context.js';
import { isKhError } from '../../../../host/src/core/error.js';
import type { Event } from '../../../../host/src/core/events.js';
import type { TreeVisitor } from '../../../../host/src/core/tree.js';
import * as make from '../../../support/archives.js';

const root = mkdtempSync(join(tmpdir(), 'kheaders-extract-'));
after(() => rmSync(root, { recursive: true }));

let count = 0;
function freshDirectory(): string {
  const path = join(root, String(count++));
  mkdirSync(path);
  return path;
}

const options: ExtractOptions = { limits: defaultLimits, caseInsensitive: false };
const sample = make.compressXz(make.makeTar(make.smallTree));

const [utsrelease = '', kconfig = '', script = ''] = make.smallTree.flatMap(({ content }) =>
  content === undefined ? [] : [String(content)],
);
const [alias, header] = ['include/linux/alias.h', 'include/linux/kconfig.h'];

/** What the small tree holds, as shown by readTree() and listVisits(). */
const smallContents = {
  include: 'directory',
  'include/generated': 'directory',
  'include/generated/utsrelease.h': `file ${utsrelease}`,
  'include/linux': 'directory',
  [header]: `file ${kconfig}`,
  [alias]: 'symlink kconfig.h',
  arch: 'directory',
  'arch/arm64': 'directory',
  'arch/arm64/run.sh': `program ${script}`,
};

/** A tree on disk: what is at each path. */
function readTree(top: string): Readonly<Record<string, string>> {
  const paths = readdirSync(top, { recursive: true, encoding: 'utf8' });
  const describe = (path: string): string => {
    const found = lstatSync(join(top, path));
    if (found.isDirectory()) return 'directory';
    if (found.isSymbolicLink()) return `symlink ${readlinkSync(join(top, path))}`;
    return `${(found.mode & 0o100) === 0 ? 'file' : 'program'} ${readFileSync(join(top, path), 'utf8')}`;
  };
  return Object.fromEntries(paths.map((path) => [path.replaceAll('\\', '/'), describe(path)]));
}

test('extractArchive writes the tree and says what it is', async () => {
  const target = freshDirectory();
  const tree = await extractArchive(make.chunksOf(sample), target, options, makeContext());
  const bytes = [utsrelease, kconfig, script].join('').length;
  assert.deepEqual([tree.files, tree.directories, tree.symlinks, tree.bytes], [3, 5, 1, bytes]);
  assert.deepEqual(readTree(target), smallContents);
  const kinds = Object.entries(smallContents).map(([path, text]) => [path, text.split(' ', 1)[0]] as const);
  assert.deepEqual(tree.kinds, new Map(kinds));
});

test('extractArchive makes files read-only, whatever the archive says, and directories open', async () => {
  const target = freshDirectory();
  const members = [
    make.file('d/f', 'x', 0o666),
    make.file('d/x', 'x', 0o710),
    make.file('d/none', 'x', 0),
    { ...make.directory('e'), mode: 0o500 },
    make.file('e/f', 'x', 0o4644),
  ];
  await extractArchive(make.chunksOf(make.compressXz(make.makeTar(members))), target, options, makeContext());
  // No umask takes anything from the user.
  const modes = ['d/f', 'd/x', 'd/none', 'e', 'e/f'].map((path) => statSync(join(target, path)).mode & 0o7700);
  assert.deepEqual(modes, [0o400, 0o500, 0o400, 0o700, 0o400]);
});

test('extractArchive gives one tree for one content, whatever the packer, order and compression', async () => {
  const shuffled = make.compressXz(
    await make.packWithTarStream([...make.smallTree].reverse().filter(({ flag }) => flag !== '5')),
    '-1',
  );
  const targets = [freshDirectory(), freshDirectory()] as const;
  const one = await extractArchive(make.chunksOf(sample), targets[0], options, makeContext());
  const other = await extractArchive(make.chunksOf(shuffled), targets[1], options, makeContext());
  assert.deepEqual(one, other);
  assert.deepEqual(readTree(targets[0]), readTree(targets[1]));
});

/** A visitor that writes down what it is shown. */
function listVisits(): { readonly visits: (readonly [path: string, what: string])[]; readonly visitor: TreeVisitor } {
  const visits: (readonly [string, string])[] = [];
  const visitor: TreeVisitor = {
    directory: (path) => void visits.push([path, 'directory']),
    file: (path, kind, { bytes, at, size }) =>
      void visits.push([path, `${kind} ${bytes.toString('utf8', at, at + size)}`]),
    symlink: (path, target) => void visits.push([path, `symlink ${target}`]),
  };
  return { visits, visitor };
}

for (const [what, members] of [
  ['in order', make.smallTree],
  ['from behind, without directories', [...make.smallTree].reverse().filter(({ flag }) => flag !== '5')],
  [
    'links first, directories twice',
    [make.symlink('include/linux/alias.h', 'kconfig.h'), ...make.smallTree.filter(({ flag }) => flag !== '2')],
  ],
] as const) {
  test(`walkArchive shows everything once, directories before what is in them, links last (${what})`, async () => {
    const { visits, visitor } = listVisits();
    const bytes = make.compressXz(make.makeTar(members));
    const tree = await walkArchive(make.chunksOf(bytes, 100), options, visitor, makeContext());
    assert.deepEqual(Object.fromEntries(visits), smallContents);
    assert.equal(visits.length, Object.keys(smallContents).length);
    const shown = new Set(['.']);
    for (const [path] of visits) {
      assert.ok(shown.has(dirname(path)), path);
      shown.add(path);
    }
    assert.equal(visits.at(-1)?.[0], alias);
    assert.deepEqual(tree, await extractArchive(make.chunksOf(bytes), freshDirectory(), options, makeContext()));
  });
}

test('walkArchive shows a directory that is only implied right before what is in it', async () => {
  const { visits, visitor } = listVisits();
  const members = [make.file('a/b/c', '1'), make.file('d', '2'), make.file('a/e/f', '3'), make.directory('a/b/')];
  await walkArchive(make.chunksOf(make.compressXz(make.makeTar(members))), options, visitor, makeContext());
  const paths = visits.map(([path]) => path);
  assert.deepEqual(paths, ['a', 'a/b', 'a/b/c', 'd', 'a/e', 'a/e/f']);
});

test('walkArchive shows links in the order of the archive, also one to a link and one to a later directory', async () => {
  const { visits, visitor } = listVisits();
  const members = [make.symlink('l', 'm'), make.symlink('m', 'd'), make.file('d/f', '1')];
  await walkArchive(make.chunksOf(make.compressXz(make.makeTar(members))), options, visitor, makeContext());
  assert.deepEqual(visits, [
    ['d', 'directory'],
    ['d/f', 'file 1'],
    ['l', 'symlink m'],
    ['m', 'symlink d'],
  ]);
});

test('walkArchive lets through what the visitor throws, and closes its source', async () => {
  const failure = new Error('no');
  let closed = false;
  async function* source() {
    try {
      yield* make.chunksOf(sample, 100);
    } finally {
      closed = true;
    }
  }
  const fail = () => {
    throw failure;
  };
  const visitor: TreeVisitor = { ...listVisits().visitor, file: fail };
  await assert.rejects(walkArchive(source(), options, visitor, makeContext()), failure);
  assert.equal(closed, true);
});

test('walkArchive leaves no plain archive behind where xz runs', async () => {
  const folder = freshDirectory();
  const { visits, visitor } = listVisits();
  const xz = { program: 'xz', scratch: join(folder, 'plain.tar') };
  await walkArchive(make.chunksOf(sample), { ...options, xz }, visitor, makeContext());
  assert.deepEqual(Object.fromEntries(visits), smallContents);
  assert.deepEqual(readdirSync(folder), []);
});

for (const xzProgram of ['xz', undefined]) {
  test(`extractArchive writes every byte of files of all sizes, decoded by ${xzProgram ?? 'lzma-native'}`, async () => {
    const random = make.makeRandom(20_260_104);
    // Larger than any buffer on the way, and with files that begin in one buffer and end in another.
    const sizes = [0, 1, 511, 512, 513, 262_144, 700_000, ...Array.from({ length: 150 }, () => random(20_000))];
    const files = sizes.map((size, index) =>
      make.file(`f${index}`, Buffer.from(String(random(1e9)).repeat(size)).subarray(0, size)),
    );
    const target = freshDirectory();
    const bytes = make.compressXz(make.makeTar(files));
    const tree = await extractArchive(make.chunksOf(bytes), target, { ...options, xzProgram }, makeContext());
    assert.equal(tree.files, files.length);
    assert.equal(
      tree.bytes,
      sizes.reduce((sum, size) => sum + size, 0),
    );
    for (const { path, content = '' } of files) {
      assert.ok(readFileSync(join(target, path)).equals(Buffer.from(content)), path);
    }
  });
}

test('extractArchive reports progress about once per mebibyte', async () => {
  const events: Event[] = [];
  const tar = make.makeTar([make.file('a', Buffer.alloc(5_000_000)), make.file('b', Buffer.alloc(300_000))]);
  const ctx = makeContext({ onEvent: (event) => events.push(event) });
  await extractArchive(make.chunksOf(make.compressXz(tar)), freshDirectory(), options, ctx);
  assert.ok(events.length >= 2 && events.length <= 6, `${events.length} events`);
  assert.deepEqual(events.at(-1), { kind: 'progress', step: 'extract', done: tar.length });
});

test('extractArchive ends an archive that is larger than allowed', async () => {
  const bomb = make.compressXz(Buffer.alloc(50_000_000));
  const tar = make.compressXz(make.makeTar([make.file('a', Buffer.alloc(2_000_000))]));
  const small = { ...options, limits: { ...defaultLimits, totalBytes: 1_000_000 } };
  for (const bytes of [bomb, tar]) {
    const extracting = extractArchive(make.chunksOf(bytes), freshDirectory(), small, makeContext());
    await assert.rejects(extracting, { code: 'archive-refused', details: { reason: 'total-size' } });
  }
});

test('extractArchive makes no link of an archive it refuses for its links', async () => {
  const target = freshDirectory();
  const links = Array.from({ length: 50 }, (_, index) => make.symlink(`l${index}.h`, `/sandbox/l${index}.h`));
  const bytes = make.compressXz(make.makeTar([make.directory('./'), ...links]));
  const expected = { code: 'archive-refused', details: { entry: 'l0.h', reason: 'symlink-archive' } };
  await assert.rejects(extractArchive(make.chunksOf(bytes), target, options, makeContext()), expected);
  assert.deepEqual(readdirSync(target), []);
});

test('extractArchive writes nothing outside, whatever the names', async () => {
  const hostile = [
    [make.file('../out')],
    [make.file('/tmp/kheaders-out')],
    [make.symlink('d', '..'), make.file('d/out')],
    [make.directory('d'), make.symlink('d', '..'), make.file('d/out')],
  ];
  for (const members of hostile) {
    const bytes = make.compressXz(make.makeTar(members));
    await assert.rejects(extractArchive(make.chunksOf(bytes), freshDirectory(), options, makeContext()), {
      code: 'archive-refused',
    });
  }
  assert.ok(!readdirSync(root).includes('out'));
});

test('extractArchive refuses a directory that is not empty where the two meet', async () => {
  const target = freshDirectory();
  mkdirSync(join(target, 'arch'));
  const extracting = extractArchive(make.chunksOf(sample), target, options, makeContext());
  await assert.rejects(extracting, { code: 'cache-unwritable' });
});

test('extractArchive stops when cancelled, and closes its source', async () => {
  const abort = new AbortController();
  let closed = false;
  async function* slow() {
    try {
      for await (const chunk of make.chunksOf(sample, 100)) {
        yield chunk;
        abort.abort();
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      closed = true;
    }
  }
  const extracting = extractArchive(slow(), freshDirectory(), options, makeContext({ signal: abort.signal }));
  await assert.rejects(extracting, { code: 'cancelled' });
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(closed, true);
});

test('extractArchive fails with a code or gives a tree for 300 damaged archives', async () => {
  const random = make.makeRandom(20_260_101);
  const codes = new Map<string, number>();
  const tar = make.makeTar(make.smallTree);
  const damaged = Array.from({ length: 300 }, (_none, round) => {
    // two thirds are damaged inside, where xz's own checks do not help
    const bytes = round % 3 === 0 ? Buffer.from(sample) : Buffer.from(tar);
    for (let change = 0; change <= random(3); change++) bytes[random(bytes.length)] = random(256);
    if (round % 3 === 1) for (let at = 0; at < 9 * 512; at += 512) make.sealHeader(bytes.subarray(at, at + 512));
    return random(10) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes;
  });
  const packed = make.compressAll(freshDirectory(), damaged);
  for (const [round, cut] of damaged.entries()) {
    const source = make.chunksOf(round % 3 === 0 ? cut : packed[round]!, 1 + random(2000));
    const code = await extractArchive(source, freshDirectory(), options, makeContext()).then(
      () => 'tree',
      (error: unknown) => (isKhError(error) ? error.code : assert.fail(`uncoded: ${String(error)}`)),
    );
    codes.set(code, (codes.get(code) ?? 0) + 1);
  }
  assert.deepEqual([...codes.keys()].sort(), ['archive-corrupt', 'archive-refused', 'tree']);
});
