import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, open, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { exportEntry, looksLikeBundle, readBundle } from '../../../../host/src/cache/bundle.js';
import type { Cache } from '../../../../host/src/cache/format.js';
import type { Manifest } from '../../../../host/src/cache/manifest.js';
import { publish } from '../../../../host/src/cache/publish.js';
import { openStaging } from '../../../../host/src/cache/staging.js';
import { openCache } from '../../../../host/src/cache/store.js';
import { verifyEntry } from '../../../../host/src/cache/verify.js';
import { isKhError } from '../../../../host/src/core/error.js';
import { isAsLarge } from '../../../../host/src/core/tree.js';
import { packWithTarStream } from '../../../support/archives.js';
import { temporaryDirectory } from '../../../support/temp.js';
import { extractFake, publishFake, seeded, sha256, silent, walkFake } from './support/fixture.js';

async function exported(t: TestContext): Promise<{ cache: Cache; directory: string; file: string; bytes: Buffer }> {
  const directory = await temporaryDirectory(t);
  const cache = await openCache(join(directory, 'cache'));
  const file = join(directory, 'bundle.tar');
  await exportEntry(await publishFake(cache, 'one'), file, silent);
  return { cache, directory, file, bytes: await readFile(file) };
}

/** What a bundle says, and the sha256 of the archive in it. */
async function readOnly(cache: Cache, file: string): Promise<{ manifest: Manifest; archive: string }> {
  await using staging = await openStaging(cache, silent);
  const manifest = await readBundle(file, staging, silent);
  return { manifest, archive: sha256(await readFile(staging.archivePath)) };
}

test('exportEntry writes the same bytes each time, and a tar of two files that tar can list', async (t) => {
  const { cache, directory, file, bytes } = await exported(t);
  const again = await openCache(join(directory, 'again'));
  await exportEntry(await publishFake(again, 'one'), join(directory, 'b.tar'), silent);
  assert.deepEqual(await readFile(join(directory, 'b.tar')), bytes);
  await exportEntry(await publishFake(cache, 'one'), file, silent);
  assert.deepEqual(await readFile(file), bytes);
  const { stdout } = await promisify(execFile)('tar', ['-tvf', file, '--utc', '--numeric-owner']);
  assert.match(stdout, /^-r--r--r-- 0\/0 +\d+ 1970-01-01 00:00 manifest\.json\n.* kheaders\.tar\.xz\n$/);
  assert.equal(stdout.trimEnd().split('\n').length, 2);
  assert.deepEqual((await readdir(directory)).sort(), ['again', 'b.tar', 'bundle.tar', 'cache']);
});

test('exportEntry refuses a damaged archive and leaves no file', async (t) => {
  const directory = await temporaryDirectory(t);
  const cache = await openCache(join(directory, 'cache'));
  const entry = await publishFake(cache, 'one');
  await chmod(entry.archivePath, 0o644);
  const content = await readFile(entry.archivePath);
  await writeFile(entry.archivePath, content.fill(0, 0, 1));
  await assert.rejects(exportEntry(entry, join(directory, 'b.tar'), silent), { code: 'cache-corrupt' });
  assert.deepEqual(await readdir(directory), ['cache']);
});

test('exportEntry stops when cancelled and leaves no file', async (t) => {
  const { cache, directory } = await exported(t);
  const entry = await publishFake(cache, 'one');
  const cancelled = { ...silent, signal: AbortSignal.abort() };
  await assert.rejects(exportEntry(entry, join(directory, 'b.tar'), cancelled), { code: 'cancelled' });
  assert.deepEqual((await readdir(directory)).sort(), ['bundle.tar', 'cache']);
});

test('readBundle gives all that is needed to publish the same entry elsewhere', async (t) => {
  const { directory, file } = await exported(t);
  const other = await openCache(join(directory, 'other'));
  await using staging = await openStaging(other, silent);
  const manifest = await readBundle(file, staging, silent);
  const tree = await extractFake('one', staging.headersDir);
  assert.ok(isAsLarge(tree, manifest.tree));
  const entry = await publish(staging, manifest, tree, silent);
  assert.deepEqual(entry.manifest, manifest);
  assert.deepEqual(await verifyEntry(entry, walkFake, silent), []);
  await exportEntry(entry, join(directory, 'b.tar'), silent);
  assert.deepEqual(await readFile(join(directory, 'b.tar')), await readFile(file));
});

test('readBundle takes no truncated bundle', async (t) => {
  const { cache, file, bytes } = await exported(t);
  const contentEnd = bytes.length - 1024;
  for (let length = 0; length < contentEnd; length += 509) {
    await writeFile(file, bytes.subarray(0, length));
    await assert.rejects(readOnly(cache, file), { code: 'archive-corrupt' }, `${length} bytes`);
  }
  assert.deepEqual(await readdir(cache.tmp), []);
});

for (const [what, text] of [
  ['the archive', 'one 7one 7'],
  ['the digest of the archive', '"sha256": "'],
] as const) {
  test(`readBundle finds one changed byte in ${what}`, async (t) => {
    const { cache, file, bytes } = await exported(t);
    const at = bytes.indexOf(text) + text.length;
    bytes[at] = bytes[at] === 0x30 ? 0x31 : 0x30; // a digit, so that the digest stays one
    await writeFile(file, bytes);
    const expected = {
      code: 'archive-corrupt',
      details: { path: file, reason: 'the archive is not the one in the manifest' },
    };
    await assert.rejects(readOnly(cache, file), expected);
    assert.deepEqual(await readdir(cache.tmp), []);
  });
}

for (const [what, reason, ...names] of [
  ['the list of older ones', 'it has no kheaders.tar.xz in its place', 'manifest.json', 'tree.txt', 'kheaders.tar.xz'],
  ['another order', 'it has no manifest.json in its place', 'kheaders.tar.xz', 'manifest.json'],
  ['no archive', 'it has no kheaders.tar.xz in its place', 'manifest.json'],
  ['a third file', 'it holds more than two files', 'manifest.json', 'kheaders.tar.xz', 'more'],
  ['a second archive', 'it holds more than two files', 'manifest.json', 'kheaders.tar.xz', 'kheaders.tar.xz'],
] as const) {
  test(`readBundle takes no bundle with ${what}`, async (t) => {
    const { cache, file } = await exported(t);
    const { path } = await publishFake(cache, 'one');
    const members = names.map(async (name) => ({
      path: name,
      content: await readFile(join(path, name)).catch(() => 'x'),
    }));
    await writeFile(file, await packWithTarStream(await Promise.all(members)));
    await assert.rejects(readOnly(cache, file), { code: 'archive-corrupt', details: { path: file, reason } });
    assert.deepEqual(await readdir(cache.tmp), []);
  });
}

test('readBundle gives the same bundle or archive-corrupt for 200 damaged ones', async (t) => {
  const { cache, file, bytes } = await exported(t);
  const random = seeded(5);
  const sound = await readOnly(cache, file);
  for (let n = 0; n < 200; n++) {
    const damaged = Buffer.from(bytes);
    // the first half in a tar header, where most of the decisions are
    damaged[Math.floor(random() * (n < 100 ? 512 : bytes.length))] = Math.floor(random() * 256);
    await writeFile(file, damaged);
    try {
      assert.equal((await readOnly(cache, file)).archive, sound.archive);
    } catch (error) {
      assert.ok(isKhError(error, 'archive-corrupt') && error.details.path === file, String(error));
    }
  }
  assert.deepEqual(await readdir(cache.tmp), []);
});

test('readBundle says that it cannot open a file, and stops when cancelled', async (t) => {
  const { cache, directory, file } = await exported(t);
  await assert.rejects(readOnly(cache, join(directory, 'none')), { code: 'usage' });
  await assert.rejects(readOnly(cache, directory), { code: 'usage' });
  await using staging = await openStaging(cache, silent);
  const cancelled = { ...silent, signal: AbortSignal.abort() };
  await assert.rejects(readBundle(file, staging, cancelled), { code: 'cancelled' });
});

test('looksLikeBundle knows a bundle from its first block', async (t) => {
  const { file } = await exported(t);
  const head = Buffer.alloc(512);
  await using handle = await open(file);
  await handle.read(head);
  assert.equal(looksLikeBundle(head), true);
  assert.equal(looksLikeBundle(head.subarray(0, 100)), false);
  assert.equal(looksLikeBundle(Buffer.from('manifest.json')), false);
});
