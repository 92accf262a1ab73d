import { randomUUID } from 'node:crypto';
import { access, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../core/error.js';
import { diskError } from './write-tree.js';

/**
 * Tells whether a directory holds `A` and `a` for one file, by creating a file in it for a moment. It is a property of
 * the directory, not of the platform: macOS and Windows have volumes and folders of both kinds.
 *
 * @throws KhError `disk-full` or `cache-unwritable`.
 */
export async function isCaseInsensitive(directory: string): Promise<boolean> {
  const name = `case-probe-${randomUUID()}`;
  const probe = join(directory, name);
  try {
    await writeFile(probe, '', { flag: 'wx' });
    return await exists(join(directory, name.toUpperCase()));
  } catch (error) {
    throw diskError(error, probe);
  } finally {
    await rm(probe, { force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}
