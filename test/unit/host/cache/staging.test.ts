import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openCache } from '../../../../host/src/cache/store.js';
import { hostTag } from '../../../../host/src/cache/host-tag.js';
import { openStaging, writeArchive } from '../../../../host/src/cache/staging.js';
import { isStale, sweepTemporary } from '../../../../host/src/cache/sweep.js';
import { isKhError } from '../../../../host/src/core/error.js';
import { temporaryDirectory } from '../../../support/temp.js';
import { fillStaging, listeningContext, runChild, sha256, silent } from './support/fixture.js';

const hour = 3_600_000;

test('openStaging creates the cache, private to the user, and an empty directory for the tree', async (t) => {
  const root = join(await temporaryDirectory(t), 'a', 'b');
  const cache = await openCache(root);
  await using staging = await openStaging(cache, silent);
  for (const path of [root, cache.path, cache.tmp, staging.path]) assert.equal((await stat(path)).mode & 0o777, 0o700);
  assert.deepEqual(await readdir(staging.headersDir), []);
  const tag = await readFile(join(cache.path, 'CACHEDIR.TAG'), 'utf8');
  assert.ok(tag.startsWith('Signature: 8a477f597d28d172789f06886806bc55\n'));
});

test('openStaging disposed removes read-only trees and follows no link out of staging', async (t) => {
  const root = await temporaryDirectory(t);
  const cache = await openCache(join(root, 'cache'));
  await mkdir(join(root, 'outside'), { mode: 0o755 });
  await writeFile(join(root, 'outside/kept'), '');
  {
    await using staging = await openStaging(cache, silent);
    await fillStaging(staging, 's');
    await symlink(join(root, 'outside'), join(staging.headersDir, 'link'));
    await chmod(join(staging.headersDir, 'include/d0'), 0o555);
  }
  assert.deepEqual(await readdir(cache.tmp), []);
  assert.equal((await stat(join(root, 'outside'))).mode & 0o777, 0o755);
  assert.deepEqual(await readdir(join(root, 'outside')), ['kept']);
});

test('openStaging refuses to go on when cancelled', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  await assert.rejects(openStaging(cache, { ...silent, signal: AbortSignal.abort() }), (e) =>
    isKhError(e, 'cancelled'),
  );
  assert.deepEqual(await readdir(cache.tmp), []);
});

test('writeArchive spools and hashes; errors of the source pass unchanged', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  await using staging = await openStaging(cache, silent);
  const written = await writeArchive(staging, pieces(), silent);
  assert.deepEqual(written, { sha256: sha256('onetwo'), bytes: 6 });
  assert.equal(await readFile(staging.archivePath, 'utf8'), 'onetwo');
  await using other = await openStaging(cache, silent);
  const failure = Object.assign(new Error('phone gone'), { code: 'EACCES' });
  await assert.rejects(writeArchive(other, pieces(failure), silent), failure);
  async function* pieces(error?: Error): AsyncGenerator<Uint8Array> {
    yield Buffer.from('one');
    if (error) throw error;
    yield Buffer.from('two');
  }
});

test('isStale spares live processes for ever, dead ones for an hour, unknown ones for a day', () => {
  const own = (pid: number, tag = 'aaaaaaaa') => `${pid}-${tag}-0123456789ab`;
  const alive = (pid: number) => pid === 1;
  const stale = (name: string, hours: number) => isStale(name, hours * hour, 'aaaaaaaa', alive);
  assert.equal(stale(own(1), 1000), false);
  assert.equal(stale(own(2), 0.9), false);
  assert.equal(stale(own(2), 1.1), true);
  for (const name of [own(1, 'bbbbbbbb'), own(2, 'bbbbbbbb'), 'something', '99999999999-aaaaaaaa-0123456789ab']) {
    assert.equal(stale(name, 23), false, name);
    assert.equal(stale(name, 25), true, name);
  }
});

test('sweepTemporary removes what a killed process left, and only that', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  await using staging = await openStaging(cache, silent);
  const child = runChild([cache.root, 'nothing', '']);
  await child.ended;
  const dead = join(cache.tmp, `${child.pid}-${hostTag()}-0123456789ab`);
  await mkdir(join(dead, 'headers'), { recursive: true });
  await chmod(join(dead, 'headers'), 0o555);
  const link = join(cache.tmp, `${child.pid}-${hostTag()}-0123456789ac`);
  await symlink('nowhere', link);
  const longAgo = new Date(Date.now() - 2 * hour);
  await utimes(dead, longAgo, longAgo);
  await utimes(staging.path, new Date(0), new Date(0));
  const ctx = listeningContext();
  await sweepTemporary(cache, ctx);
  const left = await readdir(cache.tmp);
  assert.ok(!left.includes(dead.slice(cache.tmp.length + 1)));
  assert.equal(left.length, 2);
  assert.deepEqual(ctx.events, []);
});
