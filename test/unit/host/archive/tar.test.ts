import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { parseTar, type TakeEntry, type TarEntry } from '../../../../host/src/archive/tar.js';
import { makeContext } from '../../../../host/src/core/context.js';
import { KhError } from '../../../../host/src/core/error.js';
import * as make from '../../../support/archives.js';

type WholeEntry = TarEntry & { readonly content: Buffer };

/** The entries with a copy of their content, which itself is gone after the call. */
async function parse(bytes: Buffer, chunk = 65536, maxFileBytes = 1 << 20): Promise<WholeEntry[]> {
  const entries: WholeEntry[] = [];
  const take: TakeEntry = (entry, from, at) =>
    void entries.push({ ...entry, content: Buffer.from(from.subarray(at, at + entry.size)) });
  await parseTar(make.chunksOf(bytes, chunk), { maxFileBytes }, take, makeContext());
  return entries;
}

async function rejects(bytes: Buffer, code: string, reason: string): Promise<void> {
  const expected = (error: unknown) =>
    error instanceof KhError && error.code === code && error.details.reason === reason;
  await assert.rejects(parse(bytes), expected, `${code} ${reason}`);
}

const sample = make.makeTar([make.file('a', 'hello'), make.directory('d/'), make.symlink('l', 'a')]);

for (const chunk of [1, 100, 511, 512, 513, 65536]) {
  test(`parseTar reads the same entries from chunks of ${chunk}`, async () => {
    const entries = await parse(make.makeTar(make.smallTree), chunk);
    assert.deepEqual(
      entries.map(({ path, mode, linkTarget, content }) => [path, mode, linkTarget, String(content)]),
      make.smallTree.map(({ path, mode, linkTarget = '', content = '' }) => [path, mode, linkTarget, content]),
    );
  });
}

test('parseTar reads what tar-stream packs, long and foreign names too', async () => {
  const members = [
    ...make.smallTree,
    make.file(`${'d/'.repeat(120)}f`),
    make.file('é/ü.h'),
    make.symlink('s', 'x'.repeat(200)),
  ];
  const entries = await parse(await make.packWithTarStream(members));
  assert.deepEqual(
    entries.map(({ path, linkTarget, content }) => [path.replace(/\/$/, ''), linkTarget, String(content)]),
    members.map(({ path, linkTarget = '', content = '' }) => [path.replace(/\/$/, ''), linkTarget, content]),
  );
});

for (const format of ['gnu', 'ustar', 'pax']) {
  test(`parseTar reads a tree packed by tar --format=${format}`, async () => {
    const options = ['-C', import.meta.dirname, `--format=${format}`, '-cf', '-'];
    const long = `s,^tar.test.ts,${'long/'.repeat(25)}tar.test.ts,`;
    const entries = await parse(execFileSync('tar', [...options, '--transform', long, 'tar.test.ts']));
    assert.equal(entries.length, 1);
    assert.equal(entries[0]?.path, `${'long/'.repeat(25)}tar.test.ts`);
    assert.match(String(entries[0]?.content), /^import assert/);
  });
}

test('parseTar gives an entry as soon as it is whole, and lets through what is thrown at it', async () => {
  const steps: string[] = [];
  async function* blocks() {
    for await (const block of make.chunksOf(sample, 512)) {
      steps.push('block');
      yield block;
    }
  }
  const take: TakeEntry = ({ path }) => void steps.push(path);
  await parseTar(blocks(), { maxFileBytes: 1 << 20 }, take, makeContext());
  assert.deepEqual(steps, ['block', 'block', 'a', 'block', 'd/', 'block', 'l', 'block', 'block']);
  const failure = new Error('no');
  const refuse: TakeEntry = () => {
    throw failure;
  };
  await assert.rejects(parseTar(blocks(), { maxFileBytes: 1 << 20 }, refuse, makeContext()), failure);
});

test('parseTar stops when cancelled', async () => {
  const abort = new AbortController();
  const ctx = makeContext({ signal: abort.signal });
  const taken: string[] = [];
  const take: TakeEntry = ({ path }) => {
    taken.push(path);
    abort.abort();
  };
  const parsing = parseTar(make.chunksOf(sample, 512), { maxFileBytes: 1 << 20 }, take, ctx);
  await assert.rejects(parsing, { code: 'cancelled' });
  assert.deepEqual(taken, ['a']);
});

test('parseTar joins the ustar prefix, and ignores that field in GNU headers', async () => {
  const path = `${'p'.repeat(90)}/${'n'.repeat(90)}`;
  const [posix] = await parse(make.makeTar([{ path, format: 'posix' }]));
  assert.equal(posix?.path, path);
  const gnu = make.makeTar([make.file('name')]);
  gnu.write('prefix', 345);
  make.sealHeader(gnu.subarray(0, 512));
  assert.equal((await parse(gnu))[0]?.path, 'name');
});

test('parseTar takes path, linkpath and size from pax records, for one entry', async () => {
  const records = make.paxRecord('path', 'new') + make.paxRecord('linkpath', 'far') + make.paxRecord('size', '3');
  const bytes = make.makeTar([
    { path: 'pax', flag: 'x', content: records },
    { path: 'old', content: 'abc', size: 0 },
    make.file('next'),
  ]);
  const [first, second] = await parse(bytes);
  assert.deepEqual([first?.path, first?.linkTarget, String(first?.content)], ['new', 'far', 'abc']);
  assert.equal(second?.path, 'next');
});

test('parseTar takes a GNU name and link for one entry', async () => {
  const bytes = make.makeTar([
    { path: '././@LongLink', flag: 'K', content: 'far\0' },
    { path: '././@LongLink', flag: 'L', content: 'new\0' },
    make.symlink('old', 'near'),
    make.symlink('next', 'near'),
  ]);
  assert.deepEqual(
    (await parse(bytes)).map(({ path, linkTarget }) => [path, linkTarget]),
    [
      ['new', 'far'],
      ['next', 'near'],
    ],
  );
});

test('parseTar reads sizes in base 256', async () => {
  const bytes = make.makeTar([make.file('a', 'hello')]);
  bytes.fill(0, 124, 136);
  bytes[124] = 0x80;
  bytes[135] = 5;
  make.sealHeader(bytes.subarray(0, 512));
  assert.equal(String((await parse(bytes))[0]?.content), 'hello');
  bytes[125] = 1;
  make.sealHeader(bytes.subarray(0, 512));
  await rejects(bytes, 'archive-corrupt', 'header-number');
});

test('parseTar skips a comment for all entries, and refuses a name for all', async () => {
  const comment = { path: 'g', flag: 'g', content: make.paxRecord('comment', 'a commit') };
  assert.equal((await parse(make.makeTar([comment, make.file('a')]))).length, 1);
  const name = { path: 'g', flag: 'g', content: make.paxRecord('path', 'b') };
  await rejects(make.makeTar([name, make.file('a')]), 'archive-corrupt', 'pax-record');
});

test('parseTar refuses an archive cut anywhere', async () => {
  for (let keep = 0; keep < sample.length; keep += 64) {
    await rejects(sample.subarray(0, keep), 'archive-corrupt', 'truncated');
  }
  await rejects(sample.subarray(0, -1), 'archive-corrupt', 'truncated');
});

test('parseTar accepts zeros behind the end, and nothing else', async () => {
  assert.equal((await parse(Buffer.concat([sample, Buffer.alloc(9000)]))).length, 3);
  await rejects(Buffer.concat([sample, Buffer.from('junk')]), 'archive-corrupt', 'trailing-junk');
  await rejects(Buffer.concat([sample, sample]), 'archive-corrupt', 'trailing-junk');
  const oneBlock = Buffer.concat([sample.subarray(0, -512), sample]);
  await rejects(oneBlock, 'archive-corrupt', 'trailing-junk');
});

for (const [what, at, byte, reason] of [
  ['magic', 257, 'x', 'not-tar'],
  ['name', 0, 'b', 'header-checksum'],
  ['checksum', 148, '9', 'header-number'],
] as const) {
  test(`parseTar refuses a wrong ${what}`, async () => {
    const bytes = Buffer.from(sample);
    bytes.write(byte, at);
    await rejects(bytes, 'archive-corrupt', reason);
  });
}

test('parseTar refuses a size that is no number', async () => {
  const bytes = Buffer.from(sample);
  bytes.write('0000000000z', 124);
  make.sealHeader(bytes.subarray(0, 512));
  await rejects(bytes, 'archive-corrupt', 'header-number');
});

test('parseTar refuses a link or directory with content, which readers skip or do not', async () => {
  for (const flag of ['1', '2', '5']) {
    await rejects(make.makeTar([{ path: 'a', flag, content: 'x' }]), 'archive-corrupt', 'header-size');
  }
});

test('parseTar refuses a file above the limit before it reads it', async () => {
  await rejects(make.tarMember({ path: 'a', size: 1 << 30 }), 'archive-refused', 'file-size');
});

test('parseTar refuses long names without end, and a name for nothing', async () => {
  await rejects(
    make.makeTar([{ path: 'L', flag: 'L', content: 'x'.repeat(70_000) }]),
    'archive-corrupt',
    'header-size',
  );
  await rejects(
    make.makeTar([make.file('a'), { path: 'L', flag: 'L', content: 'b\0' }]),
    'archive-corrupt',
    'header-order',
  );
});

for (const content of [
  'x path=a\n',
  '99 path=a\n',
  '9 path=a',
  '9 path=ab',
  '8 patha\n\n',
  '0 path=a\n',
  '11 size=-1\n',
  '12 size=1e1\n',
  'nothing',
]) {
  test(`parseTar refuses the pax record ${JSON.stringify(content)}`, async () => {
    await rejects(make.makeTar([{ path: 'x', flag: 'x', content }, make.file('a')]), 'archive-corrupt', 'pax-record');
  });
}

test('parseTar refuses sparse files and names that are not UTF-8', async () => {
  const sparse = make.paxRecord('GNU.sparse.major', '1');
  await rejects(
    make.makeTar([{ path: 'x', flag: 'x', content: sparse }, make.file('a')]),
    'archive-refused',
    'sparse-file',
  );
  const bytes = Buffer.from(sample);
  bytes[0] = 0xff;
  make.sealHeader(bytes.subarray(0, 512));
  await rejects(bytes, 'archive-refused', 'name-encoding');
});

test('parseTar calls hard links and devices by their kind', async () => {
  const entries = await parse(make.makeTar(['1', '3', '4', '6', 'S'].map((flag) => ({ path: 'a', flag }))));
  assert.deepEqual(
    entries.map(({ kind }) => kind),
    ['hardlink', 'other', 'other', 'other', 'other'],
  );
});
