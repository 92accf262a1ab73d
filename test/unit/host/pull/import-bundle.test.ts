import assert from 'node:assert/strict';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { exportEntry } from '../../../../host/src/cache/bundle.js';
import { type Cache, cacheAt } from '../../../../host/src/cache/format.js';
import { type Manifest, formatManifest } from '../../../../host/src/cache/manifest.js';
import { verifyEntry } from '../../../../host/src/cache/verify.js';
import { makeContext } from '../../../../host/src/core/context.js';
import { importFile } from '../../../../host/src/pull/import-file.js';
import { walkFile } from '../../../../host/src/pull/receive.js';
import { archive } from '../../../fault/support/phone-script.js';
import { packWithTarStream } from '../../../support/archives.js';
import { temporaryDirectory } from '../../../support/temp.js';

const ctx = makeContext();

async function importArchive(folder: string): Promise<{ cache: Cache; manifest: Manifest; bundle: string }> {
  const [file, bundle] = [join(folder, 'kheaders.tar.xz'), join(folder, 'bundle.tar')];
  await writeFile(file, archive);
  const entry = await importFile(cacheAt(join(folder, 'first')), file, ctx);
  await exportEntry(entry, bundle, ctx);
  return { cache: cacheAt(join(folder, 'second')), manifest: entry.manifest, bundle };
}

test('importFile takes a bundle, and the entry is the same again', async (t) => {
  const { cache, manifest, bundle } = await importArchive(await temporaryDirectory(t));
  const entry = await importFile(cache, bundle, ctx);
  assert.deepEqual(entry.manifest, manifest);
  assert.deepEqual(await verifyEntry(entry, (path, visitor) => walkFile(path, visitor, ctx), ctx), []);
  const again = `${bundle}.again`;
  await exportEntry(entry, again, ctx);
  assert.deepEqual(await readFile(again), await readFile(bundle));
});

for (const count of ['files', 'directories', 'symlinks', 'bytes'] as const) {
  test(`importFile refuses a bundle whose manifest has another number of ${count} than the archive`, async (t) => {
    const { cache, manifest, bundle } = await importArchive(await temporaryDirectory(t));
    const tree = { ...manifest.tree, [count]: manifest.tree[count] + 1 };
    const members = [
      { path: 'manifest.json', content: formatManifest({ ...manifest, tree }) },
      { path: 'kheaders.tar.xz', content: archive },
    ];
    await writeFile(bundle, await packWithTarStream(members));
    const expected = { code: 'archive-corrupt', details: { path: bundle, reason: 'tree' } };
    await assert.rejects(importFile(cache, bundle, ctx), expected);
    assert.deepEqual(await readdir(cache.tmp), []);
    assert.deepEqual(await readdir(cache.kernels).catch(() => []), []);
  });
}
