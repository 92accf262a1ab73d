import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { removeTree } from '../../../../host/src/cache/files.js';
import { temporaryDirectory } from '../../../support/temp.js';

/** A tree as an entry's is: directories that cannot be written, and links that lead out of it. */
async function makeTree(folder: string): Promise<string> {
  const tree = join(folder, 'tree');
  for (const name of ['a/deep/er', 'b', 'empty']) await mkdir(join(tree, name), { recursive: true });
  for (let index = 0; index < 200; index += 1) await writeFile(join(tree, 'a/deep', `${index}.h`), 'x');
  await symlink(folder, join(tree, 'a/deep/er/out'));
  await symlink('nowhere', join(tree, 'b/dangling'));
  for (const name of ['a/deep/er', 'a/deep', 'a', 'b', 'empty', '.']) await chmod(join(tree, name), 0o555);
  return tree;
}

test('removeTree deletes read-only directories, and follows no link', async (t) => {
  const folder = await temporaryDirectory(t);
  await writeFile(join(folder, 'kept'), 'x');
  await removeTree(await makeTree(folder));
  assert.deepEqual(await readdir(folder), ['kept']);
});

test('removeTree deletes a file, a link to a directory but not the directory, and takes nothing for done', async (t) => {
  const folder = await temporaryDirectory(t);
  await mkdir(join(folder, 'directory'));
  await writeFile(join(folder, 'directory/kept'), 'x');
  await symlink('directory', join(folder, 'link'));
  await writeFile(join(folder, 'file'), 'x');
  for (const name of ['link', 'file', 'nothing', 'file/below']) await removeTree(join(folder, name));
  assert.deepEqual(await readdir(folder), ['directory']);
  assert.deepEqual(await readdir(join(folder, 'directory')), ['kept']);
});

test('removeTree: who deletes the same tree at the same time is no failure', async (t) => {
  const folder = await temporaryDirectory(t);
  const tree = await makeTree(folder);
  await Promise.all(Array.from({ length: 4 }, () => removeTree(tree)));
  assert.deepEqual(await readdir(folder), []);
});
