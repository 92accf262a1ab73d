import { mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { removeTree } from '../../host/src/cache/files.js';

/** A new empty directory (0700, absolute, no symlink in it), deleted when the test ends, read-only trees included. */
export async function temporaryDirectory(t: TestContext): Promise<string> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'kheaders-test-')));
  t.after(() => removeTree(path));
  return path;
}
