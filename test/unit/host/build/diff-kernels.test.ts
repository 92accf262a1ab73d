import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { diffKernels, formatPatch } from '../../../../host/src/build/diff-kernels.js';
import type { Entry } from '../../../../host/src/cache/format.js';
import { formatTree } from '../../../../host/src/core/tree.js';
import { temporaryDirectory } from '../../../support/temp.js';

const common = {
  'include/generated/uapi/linux/version.h': '#define LINUX_VERSION_CODE 393664\n',
  'arch/arm64/include/generated/asm/x.h': '\n',
};

/** An entry as far as a comparison looks at it. */
async function makeEntry(path: string, files: Readonly<Record<string, string>>): Promise<Entry> {
  const [headers, treePath] = [join(path, 'headers'), join(path, 'tree.txt')];
  const all = Object.entries({ ...common, ...files });
  for (const [name, text] of all) {
    await mkdir(dirname(join(headers, name)), { recursive: true });
    await writeFile(join(headers, name), text);
  }
  const entries = all.map(([name, text]) => {
    return { path: name, kind: 'file' as const, mode: 0o444, size: text.length, sha256: hash('sha256', text) };
  });
  const folders = [...new Set(all.flatMap(([name]) => parentsOf(name)))];
  const directories = folders.map((name) => ({ path: name, kind: 'directory' as const, mode: 0o555, size: 0 }));
  await writeFile(treePath, formatTree([...entries, ...directories]));
  return { release: '6.1.0', digest: '0', path, headers, treePath } as unknown as Entry;
}

function parentsOf(name: string): readonly string[] {
  const parent = dirname(name);
  return parent === '.' ? [] : [parent, ...parentsOf(parent)];
}

test('diffKernels compares files and options; formatPatch shows one file', async (t) => {
  const root = await temporaryDirectory(t);
  const a = await makeEntry(join(root, 'a'), {
    'include/generated/autoconf.h': '#define CONFIG_SMP 1\n',
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

test('formatPatch takes a link to a folder for no file', async (t) => {
  const root = await temporaryDirectory(t);
  const a = await makeEntry(join(root, 'a'), { 'x.h': 'x\n' });
  const b = await makeEntry(join(root, 'b'), {});
  await symlink('arch', join(b.headers, 'x.h'));
  assert.match(await formatPatch(a, b, { path: 'x.h', change: 'changed' }), /^--- a\/x\.h\n\+\+\+ \/dev\/null\n/);
});
