import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { diffKernels, formatPatch } from '../../../../host/src/build/diff-kernels.js';
import type { Entry } from '../../../../host/src/cache/format.js';
import { type Member, compressXz, directory, file, makeTar, symlink as linkTo } from '../../../support/archives.js';
import { temporaryDirectory } from '../../../support/temp.js';

const common = {
  'include/generated/uapi/linux/version.h': '#define LINUX_VERSION_CODE 393664\n',
  'arch/arm64/include/generated/asm/x.h': '\n',
};

/** An entry as far as a comparison looks at it: a tree, and an archive of the same files and of what else is given. */
async function makeEntry(
  path: string,
  files: Readonly<Record<string, string>>,
  more: readonly Member[] = [],
): Promise<Entry> {
  const [headers, archivePath] = [join(path, 'headers'), join(path, 'kheaders.tar.xz')];
  const all = Object.entries({ ...common, ...files });
  for (const [name, text] of all) {
    await mkdir(dirname(join(headers, name)), { recursive: true });
    await writeFile(join(headers, name), text);
  }
  const members = all.map(([name, text]) => file(name, text));
  await writeFile(archivePath, compressXz(makeTar([...members, ...more])));
  return { release: '6.1.0', digest: '0', path, headers, archivePath } as unknown as Entry;
}

const autoconf = { 'include/generated/autoconf.h': '#define CONFIG_SMP 1\n' };

test('diffKernels compares files and options; formatPatch shows one file', async (t) => {
  const root = await temporaryDirectory(t);
  const a = await makeEntry(join(root, 'a'), {
    ...autoconf,
    'include/linux/old.h': 'old\n',
  });
  const b = await makeEntry(join(root, 'b'), {
    'include/generated/autoconf.h': '#define CONFIG_SMP_MODULE 1\n',
    'include/linux/new.h': 'new\n',
  });
  const { files, options } = await diffKernels(a, b);
  assert.deepEqual(options, [{ name: 'CONFIG_SMP', a: 'y', b: 'm' }]);
  assert.deepEqual(
    files.map(({ change, path }) => `${change} ${path}`),
    ['changed include/generated/autoconf.h', 'added include/linux/new.h', 'removed include/linux/old.h'],
  );
  const patches = [];
  for (const file of files) patches.push(await formatPatch(a, b, file));
  assert.deepEqual(patches, [
    '--- a/include/generated/autoconf.h\n+++ b/include/generated/autoconf.h\n' +
      '@@ -1,1 +1,1 @@\n-#define CONFIG_SMP 1\n+#define CONFIG_SMP_MODULE 1\n',
    '--- /dev/null\n+++ b/include/linux/new.h\n@@ -0,0 +1,1 @@\n+new\n',
    '--- a/include/linux/old.h\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-old\n',
  ]);
  assert.deepEqual(await diffKernels(a, a), { files: [], options: [] });
});

test('diffKernels compares files by content and links by target, and neither folders nor permissions', async (t) => {
  const root = await temporaryDirectory(t);
  const a = await makeEntry(join(root, 'a'), autoconf, [
    file('run.sh', 'x', 0o755),
    directory('empty/'),
    linkTo('link.h', 'arch'),
    linkTo('same.h', 'arch'),
    file('kind.h', 'include'),
    file('size.h', 'x'),
  ]);
  const b = await makeEntry(join(root, 'b'), autoconf, [
    file('run.sh', 'x', 0o644),
    directory('void/'),
    linkTo('link.h', 'include'),
    linkTo('same.h', 'arch'),
    linkTo('kind.h', 'include'),
    file('size.h', 'xx'),
  ]);
  const { files, options } = await diffKernels(a, b);
  assert.deepEqual(
    files.map(({ change, path }) => `${change} ${path}`),
    ['changed kind.h', 'changed link.h', 'changed size.h'],
  );
  assert.deepEqual(options, []);
});

test('diffKernels compares the archives, not what became of the trees', async (t) => {
  const root = await temporaryDirectory(t);
  const a = await makeEntry(join(root, 'a'), { ...autoconf, 'x.h': 'x\n' });
  const b = await makeEntry(join(root, 'b'), { ...autoconf, 'x.h': 'x\n' });
  await writeFile(join(b.headers, 'x.h'), 'y\n');
  assert.deepEqual(await diffKernels(a, b), { files: [], options: [] });
});

test('diffKernels refuses a damaged archive, and stops when cancelled', async (t) => {
  const root = await temporaryDirectory(t);
  const a = await makeEntry(join(root, 'a'), autoconf);
  const b = await makeEntry(join(root, 'b'), autoconf);
  await assert.rejects(diffKernels(a, b, { signal: AbortSignal.abort() }), { code: 'cancelled' });
  await writeFile(b.archivePath, 'no archive');
  await assert.rejects(diffKernels(a, b), { code: 'archive-corrupt' });
  await assert.rejects(diffKernels(b, a), { code: 'archive-corrupt' });
});

test('formatPatch takes a link to a folder for no file', async (t) => {
  const root = await temporaryDirectory(t);
  const a = await makeEntry(join(root, 'a'), { 'x.h': 'x\n' });
  const b = await makeEntry(join(root, 'b'), {});
  await symlink('arch', join(b.headers, 'x.h'));
  assert.match(await formatPatch(a, b, { path: 'x.h', change: 'changed' }), /^--- a\/x\.h\n\+\+\+ \/dev\/null\n/);
});
