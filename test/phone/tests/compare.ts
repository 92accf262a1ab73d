import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { exec } from '../exec.js';

/** Asserts that a tree is, byte for byte and link for link, what GNU tar makes of an archive. */
export async function assertSameAsTar(tree: string, archive: string, folder: string): Promise<void> {
  const reference = join(folder, 'reference');
  await mkdir(reference, { recursive: true });
  const untar = await exec('tar', ['-C', reference, '-xJf', archive]);
  assert.equal(untar.code, 0, untar.stderr);
  const diff = await exec('diff', ['-r', '--no-dereference', reference, tree]);
  assert.equal(diff.code, 0, diff.stdout.slice(0, 2000) + diff.stderr.slice(0, 2000));
}
