import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, lstat, mkdir, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getuid } from 'node:process';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { exportEntry } from '../../../../host/src/cache/bundle.js';
import type { Cache } from '../../../../host/src/cache/format.js';
import { publish } from '../../../../host/src/cache/publish.js';
import { openStaging, writeArchive } from '../../../../host/src/cache/staging.js';
import { isDamaged, listEntries, openCache, resolveEntry } from '../../../../host/src/cache/store.js';
import { verifyEntry } from '../../../../host/src/cache/verify.js';
import { isKhError } from '../../../../host/src/core/error.js';
import { removeTree } from '../../../../host/src/cache/files.js';
import { temporaryDirectory } from '../../../support/temp.js';
import {
  fillStaging,
  nobody,
  openToOthers,
  publishFake,
  release,
  runChild,
  seeded,
  silent,
  walkFake,
} from './support/fixture.js';

const notRoot = getuid?.() === 0 ? false : 'only root can run a child as another user';

/** Every entry is sound to the last byte, `latest` names one of them, and tmp/ is empty unless something was killed. */
async function assertSound(cache: Cache, temporary: 'empty' | 'any' = 'empty'): Promise<number> {
  const entries = await listEntries(cache);
  for (const entry of entries) {
    assert.ok(!isDamaged(entry), JSON.stringify(entry));
    assert.deepEqual(await verifyEntry(entry, walkFake, silent), []);
  }
  // Who is killed between the entry and its link leaves the link as it was; the next publish puts it right.
  const linked = (await lstat(join(cache.kernels, release, 'latest')).catch(() => undefined)) !== undefined;
  assert.ok(linked || entries.length === 0 || temporary === 'any', 'there is no latest');
  if (linked) await stat(join(cache.kernels, release, 'latest', 'manifest.json'));
  if (temporary === 'empty') assert.deepEqual(await readdir(cache.tmp), []);
  return entries.length;
}

test('publish makes an entry of four things that nobody can write to', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  const entry = await publishFake(cache, 'one');
  const mode = async (path: string) => (await stat(join(entry.path, path))).mode & 0o777;
  assert.deepEqual((await readdir(entry.path)).sort(), ['headers', 'kheaders.tar.xz', 'manifest.json', 'used']);
  for (const path of ['manifest.json', 'kheaders.tar.xz', 'headers/include/d1/h,1.h']) {
    assert.equal(await mode(path), 0o444, path);
  }
  for (const path of ['headers', 'headers/include/d0', 'headers/include/run.sh']) {
    assert.equal(await mode(path), 0o555, path);
  }
  assert.deepEqual(await resolveEntry(cache, release), entry);
  assert.equal(await assertSound(cache), 1);
});

test('publish keeps two kernels of one release side by side and points latest at the newer', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  const newer = await publishFake(cache, 'b', { createdAt: '2026-02-01T00:00:00.000Z' });
  const older = await publishFake(cache, 'a', { createdAt: '2026-01-01T00:00:00.000Z' });
  assert.notEqual(newer.digest, older.digest);
  assert.equal(await readlink(join(cache.kernels, release, 'latest')), newer.digest);
  assert.equal((await resolveEntry(cache, release)).digest, newer.digest);
  assert.equal(await assertSound(cache), 2);
});

test('publish takes the entry that is there', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  const first = await publishFake(cache, 'one');
  const second = await publishFake(cache, 'one', { createdAt: '2026-09-09T00:00:00.000Z' });
  assert.equal(second.manifest.createdAt, first.manifest.createdAt);
  assert.equal(await assertSound(cache), 1);
});

const damages: Readonly<Record<string, (path: string) => Promise<void>>> = {
  'a half manifest': async (path) => {
    await chmod(join(path, 'manifest.json'), 0o644);
    await writeFile(join(path, 'manifest.json'), '{"schema": 1,');
  },
  'no manifest': (path) => rm(join(path, 'manifest.json')),
  'no tree': (path) => removeTree(join(path, 'headers')),
  'half an archive': async (path) => {
    await chmod(join(path, 'kheaders.tar.xz'), 0o644);
    await writeFile(join(path, 'kheaders.tar.xz'), 'x');
  },
  'a file in its place': async (path) => {
    await removeTree(path);
    await writeFile(path, '');
  },
  'an empty directory in its place': async (path) => {
    await removeTree(path);
    await mkdir(path);
  },
};
for (const [what, damage] of Object.entries(damages)) {
  test(`publish replaces an entry with ${what}`, async (t) => {
    const cache = await openCache(await temporaryDirectory(t));
    const { path } = await publishFake(cache, 'one');
    await damage(path);
    assert.ok((await listEntries(cache)).every(isDamaged));
    assert.equal((await publishFake(cache, 'one')).path, path);
    assert.equal(await assertSound(cache), 1);
  });
}

test('publish refuses facts that no manifest may hold, and leaves nothing', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  for (const change of [{ release: '../../../evil' }, { release: 'latest/..' }, { machine: 'a\nb' }]) {
    await assert.rejects(publishFake(cache, 'one', change), (error) => isKhError(error, 'cache-corrupt'));
  }
  assert.deepEqual([await readdir(cache.kernels), await readdir(cache.tmp)], [[], []]);
});

test('publish stops when cancelled and leaves nothing', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  const cancelled = async () => {
    await using staging = await openStaging(cache, silent);
    const { facts, tree } = await fillStaging(staging, 'one');
    return await publish(staging, facts, tree, { ...silent, signal: AbortSignal.abort() });
  };
  await assert.rejects(cancelled, (error) => isKhError(error, 'cancelled'));
  assert.equal(await assertSound(cache), 0);
});

test('publish cancelled after the manifest was written makes no entry', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  await using staging = await openStaging(cache, silent);
  const { facts, tree } = await fillStaging(staging, 'one');
  const manifest = join(staging.path, 'manifest.json');
  const signal = {
    get aborted() {
      return existsSync(manifest);
    },
  } as AbortSignal;
  await assert.rejects(publish(staging, facts, tree, { ...silent, signal }), (error) => isKhError(error, 'cancelled'));
  assert.equal(existsSync(manifest), true);
  assert.deepEqual(await listEntries(cache), []);
});

test('publish from 16 promises and 8 processes at once gives one entry', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  const children = Array.from({ length: 8 }, () => runChild([cache.root, 'publish', 'one']));
  const entries = await Promise.all(Array.from({ length: 16 }, () => publishFake(cache, 'one')));
  for (const child of children) {
    const { code, stderr } = await child.ended;
    assert.equal(code, 0, stderr);
  }
  assert.equal(new Set(entries.map((entry) => entry.path)).size, 1);
  assert.equal(await assertSound(cache), 1);
});

test('publish and remove of several kernels at once leave whole entries and a true latest', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  const commands = ['publish a', 'remove', 'publish b', 'remove', 'publish c', 'publish a', 'remove', 'publish b'];
  for (let round = 0; round < 2; round++) {
    const children = commands.map((command) => runChild([cache.root, ...command.split(' ')]));
    for (const child of children) {
      const { code, stderr } = await child.ended;
      assert.equal(code, 0, stderr);
    }
    await assertSound(cache);
  }
});

async function waitForStaging(cache: Cache, before: number): Promise<void> {
  while ((await readdir(cache.tmp).catch(() => [])).length <= before) await setTimeout(1);
}

test('publish killed at 20 random moments leaves whole entries or none, and the next one works', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  const random = seeded(9);
  let killed = 0;
  for (let n = 0; n < 20; n++) {
    const child = runChild([cache.root, 'publish', `k${n}`, '400']);
    // half of them while they write into staging, half from the first step of publish() on
    if (n % 2 === 0) await waitForStaging(cache, killed);
    else await child.filled;
    await setTimeout(random() * (n % 2 === 0 ? 100 : 40));
    child.kill();
    if ((await child.ended).code === null) killed = (await readdir(cache.tmp)).length;
    await assertSound(cache, 'any');
  }
  const published = (await listEntries(cache)).length;
  t.diagnostic(`${killed} left in tmp/, ${published} entries`);
  assert.ok(killed >= 3 && published >= 1, 'the moments are badly chosen');
  await publishFake(cache, 'k0');
  await assertSound(cache, 'any');
});

test('publish works for a user who is not root', { skip: notRoot }, async (t) => {
  const root = await temporaryDirectory(t);
  await chown(root, nobody, nobody);
  const ended = [];
  for (const command of ['publish', 'publish', 'repair', 'read', 'remove']) {
    const seed = command === 'remove' ? '' : 'one';
    ended.push(await runChild([root, command, seed], nobody).ended);
  }
  for (const { code, stderr } of ended) assert.equal(code, 0, stderr);
  assert.deepEqual(await readdir(join(root, 'v1/tmp')), []);
  assert.deepEqual(await readdir(join(root, 'v1/kernels')), []);
});

test(
  'publish into a cache that cannot be written to is cache-unwritable, reading it works',
  { skip: notRoot },
  async (t) => {
    const root = await temporaryDirectory(t);
    const cache = await openCache(root);
    const entry = await publishFake(cache, 'one');
    await openToOthers(root);
    const published = await runChild([root, 'publish', 'two'], nobody).ended;
    assert.deepEqual([published.code, published.stderr], [1, 'code=cache-unwritable']);
    const read = await runChild([root, 'read', ''], nobody).ended;
    assert.equal(read.code, 0, read.stderr);
    const { listed, problems, known, events } = JSON.parse(read.stdout) as Record<string, unknown>;
    assert.deepEqual({ listed, problems, known }, { listed: 1, problems: [], known: undefined });
    assert.match(JSON.stringify(events), /"warning":"identity-index"/);
    assert.equal(await assertSound(cache), 1);
    assert.ok(entry.path.startsWith(root));
  },
);

/** A file system of 2 MiB, unmounted when disposed. */
async function mountSmallDisk(path: string): Promise<AsyncDisposable | undefined> {
  const run = promisify(execFile);
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=2m,mode=0700', 'tmpfs', path]);
  } catch {
    return undefined;
  }
  return {
    async [Symbol.asyncDispose]() {
      await run('umount', [path]);
    },
  };
}

test('publish on a full disk is disk-full and leaves nothing', async (t) => {
  const root = await temporaryDirectory(t);
  await using disk = await mountSmallDisk(root);
  if (disk === undefined) {
    t.skip('this machine cannot mount');
    return;
  }
  const cache = await openCache(root);
  const attempt = async (filler: number) => {
    await using staging = await openStaging(cache, silent);
    const { facts, tree } = await fillStaging(staging, 'one', 100);
    await writeFile(join(root, 'filler'), Buffer.alloc(filler)).catch(() => undefined);
    return await publish(staging, facts, tree, silent);
  };
  await assert.rejects(attempt(2 << 20), (error) => isKhError(error, 'disk-full') && error.details.path === cache.path);
  assert.equal(await assertSound(cache), 0);
  await rm(join(root, 'filler'));
  const entry = await attempt(0);
  assert.equal(await assertSound(cache), 1);

  await writeFile(join(root, 'filler'), Buffer.alloc(2 << 20)).catch(() => undefined);
  const bundle = join(root, 'bundle.tar');
  await assert.rejects(
    exportEntry(entry, bundle, silent),
    (error) => isKhError(error, 'disk-full') && error.details.path === bundle,
  );
  assert.deepEqual((await readdir(root)).sort(), ['filler', 'v1']);
  await assert.rejects(openStaging(cache, silent).then(spool), (error) => isKhError(error, 'disk-full'));
  assert.equal(await assertSound(cache), 1);
  async function spool(staging: Awaited<ReturnType<typeof openStaging>>): Promise<void> {
    await using held = staging;
    await writeArchive(held, [Buffer.alloc(3 << 20)] as unknown as AsyncIterable<Uint8Array>, silent);
  }
});

test('publish writes the manifest in one form, whatever the order of the facts', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  const entry = await publishFake(cache, 'one', { source: { filePath: '/x', kind: 'file' } });
  const text = await readFile(join(entry.path, 'manifest.json'), 'utf8');
  assert.match(text, /"source": \{\n {4}"kind": "file",\n {4}"filePath": "\/x"\n {2}\}/);
  assert.ok(text.endsWith('}\n'));
});
