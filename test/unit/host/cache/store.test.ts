import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { entryPath } from '../../../../host/src/cache/format.js';
import {
  findEntry,
  isDamaged,
  listEntries,
  openCache,
  readEntry,
  readLastUse,
  resolveEntry,
  touchEntry,
} from '../../../../host/src/cache/store.js';
import { isKhError } from '../../../../host/src/core/error.js';
import { temporaryDirectory } from '../../../support/temp.js';
import { publishFake, release } from './support/fixture.js';

const hostile = [
  '..',
  '.',
  '',
  '../../etc',
  '6.1/../../x',
  '/etc',
  '-rf',
  '6.1\n',
  '6.1\u0000',
  'a'.repeat(65),
  '6.1..',
  'é',
];

test('openCache creates nothing and finds nothing in a cache that is not there', async (t) => {
  const root = join(await temporaryDirectory(t), 'none');
  const cache = await openCache(root);
  assert.deepEqual(await listEntries(cache), []);
  assert.equal(await findEntry(cache, release), undefined);
  await assert.rejects(stat(root), { code: 'ENOENT' });
});

test('openCache refuses a cache others can write to', async (t) => {
  const root = await temporaryDirectory(t);
  const refusal = { code: 'cache-unwritable', message: /not safe/ };
  await openCache(root);
  await chmod(root, 0o777);
  await assert.rejects(openCache(root), refusal);
  await chmod(root, 0o1777);
  await mkdir(join(root, 'v1'), { mode: 0o700 });
  await openCache(root);
  await chmod(join(root, 'v1'), 0o777);
  await assert.rejects(openCache(root), refusal);
});

test('listEntries lists damaged entries beside sound ones and ignores what is no entry', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  const sound = await publishFake(cache, 'one');
  const damaged = await publishFake(cache, 'two');
  await rm(join(damaged.path, 'manifest.json'));
  await mkdir(join(cache.kernels, '..evil'));
  await mkdir(join(cache.kernels, release, 'ABCDEF0123456789'));
  const found = await listEntries(cache);
  assert.equal(found.length, 2);
  assert.deepEqual(found[0], sound);
  assert.deepEqual(found[1], { release, digest: damaged.digest, path: damaged.path, damaged: 'no manifest' });
});

test('readEntry refuses an entry in the place of another', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  const entry = await publishFake(cache, 'one');
  await rename(entry.path, entryPath(cache, release, '0123456789abcdef'));
  await assert.rejects(
    readEntry(cache, release, '0123456789abcdef'),
    (error) => isKhError(error, 'cache-corrupt') && error.details.reason === 'release or archive.sha256',
  );
  assert.equal(await readEntry(cache, release, entry.digest), undefined);
});

for (const name of hostile) {
  test(`findEntry, readEntry and resolveEntry refuse the release ${JSON.stringify(name).slice(0, 20)}`, async (t) => {
    const cache = await openCache(await temporaryDirectory(t));
    await assert.rejects(findEntry(cache, name), { code: 'usage' });
    await assert.rejects(readEntry(cache, name, '0123456789abcdef'), { code: 'usage' });
    await assert.rejects(resolveEntry(cache, name), { code: 'usage' });
    assert.deepEqual(await readdir(cache.root), []);
  });
}

test('findEntry takes the newest, or the one a prefix names', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  const entries = [];
  for (let n = 0; n < 17; n++) {
    entries.push(await publishFake(cache, `n${n}`, { createdAt: `2026-01-${10 + n}T00:00:00.000Z` }));
  }
  assert.deepEqual(await findEntry(cache, release), entries[16]);
  const [first] = entries;
  assert.ok(first);
  assert.deepEqual(await findEntry(cache, release, first.digest), first);
  assert.deepEqual(await resolveEntry(cache, `${release}@${first.digest.slice(0, 12)}`), first);
  const shared = entries.map(({ digest }) => digest.slice(0, 1)).find((digit, n, all) => all.indexOf(digit) < n);
  assert.ok(shared);
  await assert.rejects(
    findEntry(cache, release, shared),
    (error) => isKhError(error, 'usage') && (error.details.choices ?? []).length > 1,
  );
  await assert.rejects(findEntry(cache, release, 'XYZ'), { code: 'usage' });
});

test('findEntry says that an entry is damaged only if there is no sound one', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  const older = await publishFake(cache, 'a', { createdAt: '2026-01-01T00:00:00.000Z' });
  const newer = await publishFake(cache, 'b', { createdAt: '2026-02-01T00:00:00.000Z' });
  await rm(join(newer.path, 'manifest.json'));
  assert.deepEqual(await findEntry(cache, release), older);
  await assert.rejects(findEntry(cache, release, newer.digest), { code: 'cache-corrupt' });
  await rm(join(older.path, 'manifest.json'));
  await assert.rejects(findEntry(cache, release), { code: 'cache-corrupt' });
});

test('resolveEntry says what there is when it finds nothing', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  const entry = await publishFake(cache, 'one');
  await assert.rejects(
    resolveEntry(cache, '5.10.0'),
    (error) => isKhError(error, 'not-cached') && error.details.choices?.[0] === `${release}@${entry.digest}`,
  );
  for (const text of [`${release}@`, `${release}@a@b`, '@', '']) {
    await assert.rejects(resolveEntry(cache, text), { code: 'usage' });
  }
});

test('touchEntry notes the time and never fails', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  const entry = await publishFake(cache, 'one');
  const used = join(entry.path, 'used');
  await utimes(used, 1, 1);
  assert.equal(await readLastUse(entry), 1000);
  await touchEntry(entry);
  assert.ok(Date.now() - (await readLastUse(entry)) < 60_000);
  await rm(used);
  assert.equal(await readLastUse(entry), Date.parse(entry.manifest.createdAt));
  await touchEntry(entry);
  assert.ok(Date.now() - (await readLastUse(entry)) < 60_000);
  await touchEntry({ ...entry, path: join(cache.root, 'none') });
});

test('isDamaged tells the two kinds of entries apart', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  const entry = await publishFake(cache, 'one');
  await chmod(join(entry.path, 'manifest.json'), 0o644);
  await writeFile(join(entry.path, 'manifest.json'), Buffer.alloc(1 << 17));
  assert.deepEqual((await listEntries(cache)).map(isDamaged), [true]);
});
