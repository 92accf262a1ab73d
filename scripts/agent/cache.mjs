// Everything that is downloaded or compiled lies in a cache outside of the tree, in folders named by what they are made
// of. A folder is filled under another name and renamed: what exists is complete.
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

const ONE_DAY_MS = 24 * 3600 * 1000;

const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'kheaders-agent');
const staging = join(cache, 'staging');

/** A short name for these texts and bytes, in this order. */
export function keyOf(...parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest('hex').slice(0, 20);
}

export async function exists(path) {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** A folder for the time of `use`. */
export async function withTemporary(use) {
  await mkdir(staging, { recursive: true });
  const folder = await mkdtemp(join(staging, 'new-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** The folder of this name, filled first if there is none. Of two that fill it at once the second one's is dropped. */
export async function ensure(name, fill) {
  const path = pathOf(name);
  if (await exists(path)) return path;
  await dropAbandoned();
  await withTemporary(async (folder) => {
    const made = join(folder, 'made');
    await mkdir(made);
    await fill(made);
    await rename(made, path).catch((error) => {
      if (!['ENOTEMPTY', 'EEXIST'].includes(error.code)) throw error;
    });
  });
  return path;
}

/** Where a folder of this name is, or would be. */
export function pathOf(name) {
  return join(cache, name);
}

/** What killed runs left behind. */
async function dropAbandoned() {
  for (const name of await readdir(staging).catch(() => [])) {
    const path = join(staging, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }));
    if (Date.now() - mtimeMs > ONE_DAY_MS) await rm(path, { recursive: true, force: true });
  }
}
