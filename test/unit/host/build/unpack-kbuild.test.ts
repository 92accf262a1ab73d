import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { findPrefix, unpackKbuild } from '../../../../host/src/build/unpack-kbuild.js';
import { cacheAt } from '../../../../host/src/cache/format.js';
import type { Entry } from '../../../../host/src/cache/format.js';
import { makeContext } from '../../../../host/src/core/context.js';
import { compressXz, makeTar } from '../../../support/archives.js';

const entry = { release: '6.1.25-android14-11', digest: '0123456789abcdef' } as Entry;

const files = [
  { path: 'Makefile', content: 'VERSION = 6\n' },
  { path: 'scripts/Makefile.build', content: 'all:\n' },
  { path: 'scripts/kconfig/conf.c', content: 'no' },
  { path: 'drivers/Makefile', content: 'no' },
];

async function unpack(t: TestContext, tarball: Uint8Array): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kheaders-unpack-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'linux.tar');
  await writeFile(file, tarball);
  return unpackKbuild(cacheAt(join(folder, 'cache')), entry, { file, srcArch: 'arm64' }, makeContext());
}

for (const [what, pack] of [
  ['plain', (tar: Buffer) => tar],
  ['gzip', (tar: Buffer) => gzipSync(tar)],
  ['xz', (tar: Buffer) => compressXz(tar)],
] as const) {
  for (const prefix of ['linux-6.1/', './linux/', '']) {
    test(`unpackKbuild takes what it needs of a tarball (${what}, below ${prefix || 'nothing'})`, async (t) => {
      const folder = await unpack(t, pack(makeTar(files.map((file) => ({ ...file, path: prefix + file.path })))));
      assert.deepEqual((await readdir(folder, { recursive: true })).sort(), [
        'Makefile',
        'scripts',
        'scripts/Makefile.build',
      ]);
      assert.equal(await readFile(join(folder, 'Makefile'), 'utf8'), 'VERSION = 6\n');
    });
  }
}

test('unpackKbuild leaves out what leads elsewhere', async (t) => {
  const wrong = ['linux/../Makefile', '../linux/scripts/x', '/scripts/y', 'linux/scripts/../../z', 'other/Makefile'];
  const tar = makeTar([
    ...files.map((file) => ({ ...file, path: `linux/${file.path}` })),
    ...wrong.map((path) => ({ path, content: 'evil' })),
  ]);
  const folder = await unpack(t, tar);
  assert.deepEqual((await readdir(folder, { recursive: true })).sort(), [
    'Makefile',
    'scripts',
    'scripts/Makefile.build',
  ]);
  assert.equal(await readFile(join(folder, 'Makefile'), 'utf8'), 'VERSION = 6\n');
});

test('unpackKbuild refuses damaged tarballs and leaves nothing', async (t) => {
  const tar = makeTar(files);
  for (const bytes of [
    Buffer.from('no tarball'),
    tar.subarray(0, 700),
    gzipSync(tar).subarray(0, 90),
    compressXz(tar).subarray(0, 120),
  ]) {
    await assert.rejects(unpack(t, bytes), { code: 'archive-corrupt' });
  }
});

test('findPrefix tells a folder around the tree from the tree', () => {
  const of = (path: string, kind: 'file' | 'directory') => findPrefix({ path, kind });
  assert.deepEqual(
    [
      of('linux-6.1/', 'directory'),
      of('./', 'directory'),
      of('Documentation/', 'directory'),
      of('.clang-format', 'file'),
    ],
    ['linux-6.1/', undefined, '', ''],
  );
  assert.deepEqual([of('arch/arm64/Makefile', 'file'), of('common-5.15/arch/x', 'file')], ['', 'common-5.15/']);
});
