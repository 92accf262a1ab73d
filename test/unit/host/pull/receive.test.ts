import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, after, test } from 'node:test';
import { cacheAt } from '../../../../host/src/cache/format.js';
import { openStaging } from '../../../../host/src/cache/staging.js';
import { makeContext } from '../../../../host/src/core/context.js';
import { receiveArchive } from '../../../../host/src/pull/receive.js';
import { chunksOf } from '../../../support/archives.js';
import { temporaryDirectory } from '../../../support/temp.js';
import { archive } from '../../../fault/support/phone-script.js';

const silent = makeContext();
const never = new Promise<never>(() => undefined);
const stage = async (t: TestContext) => openStaging(cacheAt(await temporaryDirectory(t)), silent);
const unused = (): Promise<void> => assert.fail('the archive is not whole');

/** Keeps a test that waits in vain waiting, up to its time limit, instead of ending all tests of the file. */
const limit = { timeout: 20_000 };
const alive = setInterval(() => undefined, 1000);
after(() => clearInterval(alive));

/** Some bytes, then silence: a phone that stalls. */
async function* stalling(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
  await never;
}

test('receiveArchive spools, extracts, and says so as soon as the last byte is here', async (t) => {
  await using staging = await stage(t);
  let whole = 0;
  const onWhole = async (): Promise<void> => {
    whole += 1;
    assert.ok(archive.equals(await readFile(staging.archivePath)));
  };
  const { archive: spooled, tree } = await receiveArchive(chunksOf(archive, 7), staging, onWhole, silent);
  assert.equal(whole, 1);
  const sha256 = createHash('sha256').update(archive).digest('hex');
  assert.deepEqual(spooled, { sha256, bytes: archive.length });
  assert.deepEqual([tree.files, tree.symlinks], [3, 1]);
  assert.equal(await readFile(join(staging.headersDir, 'include/linux/alias.h'), 'utf8'), '#pragma once\n');
});

test('receiveArchive: a source that fails ends the extraction, and its error is the one thrown', async (t) => {
  await using staging = await stage(t);
  const failure = new Error('cable');
  async function* broken(): AsyncGenerator<Buffer> {
    yield archive.subarray(0, 100);
    throw failure;
  }
  await assert.rejects(receiveArchive(broken(), staging, unused, silent), failure);
});

test('receiveArchive: an archive that cannot be extracted ends the wait for a phone that stalls', limit, async (t) => {
  await using staging = await stage(t);
  const junk = stalling(Buffer.alloc(100_000, 'x'));
  await assert.rejects(receiveArchive(junk, staging, unused, silent), {
    code: 'archive-corrupt',
    details: { reason: 'not-xz' },
  });
});

test('receiveArchive: a spool that cannot be written ends the extraction', limit, async (t) => {
  await using staging = await stage(t);
  await rm(staging.path, { recursive: true });
  await assert.rejects(receiveArchive(stalling(archive), staging, unused, silent), { code: 'ENOENT' });
});

test('receiveArchive: a failing report of the phone fails the whole', async (t) => {
  await using staging = await stage(t);
  const failure = new Error('phone');
  await assert.rejects(
    receiveArchive(chunksOf(archive), staging, () => Promise.reject(failure), silent),
    failure,
  );
});

test('receiveArchive is cancelled while the phone stalls', limit, async (t) => {
  await using staging = await stage(t);
  const controller = new AbortController();
  async function* source(): AsyncGenerator<Buffer> {
    yield archive.subarray(0, 100);
    controller.abort();
    await never;
  }
  const ctx = makeContext({ signal: controller.signal });
  await assert.rejects(receiveArchive(source(), staging, unused, ctx), { code: 'cancelled' });
});
