import assert from 'node:assert/strict';
import { chmod, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { diffKernels } from '../../../../host/src/build/diff-kernels.js';
import { makeContext } from '../../../../host/src/core/context.js';
import type { Event } from '../../../../host/src/core/events.js';
import { openCache } from '../../../../host/src/pull/kernel-cache.js';
import { walkFile } from '../../../../host/src/pull/receive.js';
import { archive, release } from '../../../fault/support/phone-script.js';
import { temporaryDirectory } from '../../../support/temp.js';

async function importArchive(t: TestContext) {
  const folder = await temporaryDirectory(t);
  const file = join(folder, 'kheaders.tar.xz');
  await writeFile(file, archive);
  const cache = await openCache({ cacheDir: join(folder, 'cache') });
  const entry = await cache.import(file);
  return { cache, entry };
}

test('KernelCache verifies an entry against its own archive, writes nothing there, and repairs it', async (t) => {
  const { cache, entry } = await importArchive(t);
  assert.equal(entry.release, release);
  const before = await readdir(entry.path);
  const events: Event[] = [];
  const onEvent = (event: Event) => void events.push(event);
  assert.deepEqual(await cache.verify(entry, { onEvent }), []);

  const [changed, removed] = ['include/linux/kconfig.h', 'include/generated/utsrelease.h'];
  const text = await readFile(join(entry.headers, changed), 'utf8');
  await chmod(join(entry.headers, changed), 0o644);
  await writeFile(join(entry.headers, changed), text.toUpperCase());
  await chmod(dirname(join(entry.headers, removed)), 0o755);
  await rm(join(entry.headers, removed));
  assert.deepEqual(await cache.verify(entry, { onEvent }), [
    { kind: 'mode', path: 'headers/include/generated' },
    { kind: 'missing', path: `headers/${removed}` },
    { kind: 'content', path: `headers/${changed}` },
  ]);
  assert.ok(events.every((event) => event.kind === 'progress' && event.step === 'check'));
  assert.deepEqual(await readdir(entry.path), before);
  await assert.rejects(cache.verify(entry, { signal: AbortSignal.abort() }), { code: 'cancelled' });

  assert.deepEqual(await cache.repair(entry), entry);
  assert.deepEqual(await cache.verify(await cache.resolve(release)), []);
  assert.equal(await readFile(join(entry.headers, changed), 'utf8'), text);
});

test('walkFile and diffKernels: an archive that is gone is an error, not the end of the process', async (t) => {
  const { entry } = await importArchive(t);
  await rm(entry.archivePath);
  const visitor = { directory: () => undefined, file: () => undefined, symlink: () => undefined };
  await assert.rejects(walkFile(entry.archivePath, visitor, makeContext()), { code: 'ENOENT' });
  await assert.rejects(diffKernels(entry, entry), { code: 'ENOENT' });
});
