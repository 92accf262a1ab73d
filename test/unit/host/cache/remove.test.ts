import assert from 'node:assert/strict';
import { chmod, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { findByIdentity, recordIdentity } from '../../../../host/src/cache/identity-index.js';
import { updateLatest } from '../../../../host/src/cache/latest.js';
import { removeEntry } from '../../../../host/src/cache/remove.js';
import { listEntries, openCache } from '../../../../host/src/cache/store.js';
import { temporaryDirectory } from '../../../support/temp.js';
import { identity, publishFake, release, silent } from './support/fixture.js';

test('removeEntry takes the entry, its identities and, after the last one, the folder of the release', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  const older = await publishFake(cache, 'a', { createdAt: '2026-01-01T00:00:00.000Z' });
  const newer = await publishFake(cache, 'b', { createdAt: '2026-02-01T00:00:00.000Z' });
  await recordIdentity(cache, identity, newer, silent);
  await removeEntry(cache, newer, silent);
  assert.equal(await readlink(join(cache.kernels, release, 'latest')), older.digest);
  assert.deepEqual(await readdir(cache.identities), []);
  assert.equal(await findByIdentity(cache, identity), undefined);
  await removeEntry(cache, newer, silent);
  await removeEntry(cache, older, silent);
  assert.deepEqual([await readdir(cache.kernels), await readdir(cache.tmp)], [[], []]);
});

test('removeEntry takes a damaged entry too', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  const { path } = await publishFake(cache, 'a');
  await rm(join(path, 'manifest.json'));
  const [damaged] = await listEntries(cache);
  assert.ok(damaged);
  await removeEntry(cache, damaged, silent);
  assert.deepEqual([await readdir(cache.kernels), await readdir(cache.tmp)], [[], []]);
});

test('removeEntry refuses names that would lead elsewhere', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  await publishFake(cache, 'a');
  for (const entry of [
    { release: '..', digest: 'kernels' },
    { release, digest: 'latest' },
    { release: '../..', digest: '0123456789abcdef' },
  ]) {
    await assert.rejects(removeEntry(cache, entry, silent), { code: 'usage' });
  }
  assert.equal((await listEntries(cache)).length, 1);
});

test('updateLatest ignores damaged entries and puts a wrong link right', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  const older = await publishFake(cache, 'a', { createdAt: '2026-01-01T00:00:00.000Z' });
  const newer = await publishFake(cache, 'b', { createdAt: '2026-02-01T00:00:00.000Z' });
  await chmod(join(newer.path, 'manifest.json'), 0o644);
  await writeFile(join(newer.path, 'manifest.json'), '');
  await updateLatest(cache, release);
  const link = join(cache.kernels, release, 'latest');
  assert.equal(await readlink(link), older.digest);
  await rm(link);
  await writeFile(link, 'not a link');
  await updateLatest(cache, release);
  assert.equal(await readlink(link), older.digest);
  await rm(join(older.path, 'manifest.json'));
  await updateLatest(cache, release);
  await assert.rejects(readlink(link), { code: 'ENOENT' });
});
