import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { extractArchive, type ExtractOptions } from '../../../../host/src/archive/extract.js';
import { defaultLimits } from '../../../../host/src/archive/limits.js';
import { makeContext } from '../../../../host/src/core/context.js';
import { isKhError } from '../../../../host/src/core/error.js';
import type { Event } from '../../../../host/src/core/events.js';
import * as make from '../../../support/archives.js';

const root = mkdtempSync(join(tmpdir(), 'kheaders-extract-'));
after(() => rmSync(root, { recursive: true }));

let count = 0;
function freshDirectory(): string {
  const path = join(root, String(count++));
  mkdirSync(path);
  return path;
}

const options: ExtractOptions = { limits: defaultLimits, caseInsensitive: false, readOnly: false };
const sample = make.compressXz(make.makeTar(make.smallTree));

test('extractArchive writes the tree and says what it is', async () => {
  const target = freshDirectory();
  const tree = await extractArchive(make.chunksOf(sample), target, options, makeContext());
  assert.deepEqual([tree.files, tree.directories, tree.symlinks], [3, 5, 1]);
  assert.deepEqual(readdirSync(target).sort(), ['arch', 'include']);
  assert.equal(readlinkSync(join(target, 'include/linux/alias.h')), 'kconfig.h');
  for (const entry of tree.entries) {
    if (entry.kind !== 'file') continue;
    const path = join(target, entry.path);
    assert.equal(createHash('sha256').update(readFileSync(path)).digest('hex'), entry.sha256);
    assert.equal(statSync(path).mode & 0o700, entry.mode & 0o700);
  }
});

test('extractArchive can write files read-only, with the same digest', async () => {
  const target = freshDirectory();
  const tree = await extractArchive(make.chunksOf(sample), target, { ...options, readOnly: true }, makeContext());
  assert.equal(statSync(join(target, 'arch/arm64/run.sh')).mode & 0o700, 0o555 & 0o700);
  assert.equal(statSync(join(target, 'include/linux/kconfig.h')).mode & 0o700, 0o444 & 0o700);
  const other = await extractArchive(make.chunksOf(sample), freshDirectory(), options, makeContext());
  assert.equal(tree.digest, other.digest);
});

test('extractArchive gives one digest to one content, whatever the packer, order and compression', async () => {
  const shuffled = make.compressXz(
    await make.packWithTarStream([...make.smallTree].reverse().filter(({ flag }) => flag !== '5')),
    '-1',
  );
  const one = await extractArchive(make.chunksOf(sample), freshDirectory(), options, makeContext());
  const other = await extractArchive(make.chunksOf(shuffled), freshDirectory(), options, makeContext());
  assert.equal(one.digest, other.digest);
  assert.deepEqual(
    one.entries.map(({ path }) => path),
    other.entries.map(({ path }) => path),
  );
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
    const digests = new Map(tree.entries.map(({ path, sha256 }) => [path, sha256]));
    for (const { path, content = '' } of files) {
      assert.ok(readFileSync(join(target, path)).equals(Buffer.from(content)), path);
      assert.equal(digests.get(path), createHash('sha256').update(content).digest('hex'));
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
  for (let round = 0; round < 300; round++) {
    // two thirds are damaged inside, where xz's own checks do not help
    const bytes = round % 3 === 0 ? Buffer.from(sample) : Buffer.from(tar);
    for (let change = 0; change <= random(3); change++) bytes[random(bytes.length)] = random(256);
    if (round % 3 === 1) for (let at = 0; at < 9 * 512; at += 512) make.sealHeader(bytes.subarray(at, at + 512));
    const cut = random(10) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes;
    const packed = round % 3 === 0 ? cut : make.compressXz(cut, '-0');
    const extracting = extractArchive(
      make.chunksOf(packed, 1 + random(2000)),
      freshDirectory(),
      options,
      makeContext(),
    );
    const code = await extracting.then(
      () => 'tree',
      (error: unknown) => (isKhError(error) ? error.code : assert.fail(`uncoded: ${String(error)}`)),
    );
    codes.set(code, (codes.get(code) ?? 0) + 1);
  }
  assert.deepEqual([...codes.keys()].sort(), ['archive-corrupt', 'archive-refused', 'tree']);
});
