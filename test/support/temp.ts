import { chmod, lstat, mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** A new empty directory (0700, absolute, no symlink in it), deleted when the test ends, read-only trees included. */
export async function temporaryDirectory(t: TestContext): Promise<string> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'kheaders-test-')));
  t.after(() => deleteTree(path));
  return path;
}

/** Deletes a file or a tree, whatever its modes. */
export async function deleteTree(path: string): Promise<void> {
  await makeWritable(path);
  await rm(path, { recursive: true, force: true });
}

async function makeWritable(path: string): Promise<void> {
  if (!(await lstat(path).catch(() => undefined))?.isDirectory()) return;
  await chmod(path, 0o700);
  for (const child of await readdir(path, { withFileTypes: true })) {
    if (child.isDirectory()) await makeWritable(join(path, child.name));
  }
}
