import { rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../core/error.js';
import { readNames, replaceSymlink } from './files.js';
import { isDigest, releasePath, type Cache } from './format.js';
import { isDamaged, listRelease } from './store.js';

const mostAttempts = 10;

/**
 * Points `latest` of a release at its newest entry, or removes it with the release's folder if there is none left.
 * Everybody looks again after writing, so whoever is the last of several leaves a link that is true. `sound`: the digest of an
 * entry that was just published; where it is the only one nothing has to be read.
 */
export async function updateLatest(cache: Cache, release: string, sound?: string): Promise<void> {
  const link = join(releasePath(cache, release), 'latest');
  let newest = await newestDigest(cache, release, sound);
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    if (newest === undefined) await removeLink(link);
    else replaceSymlink(cache, link, newest);
    const now = await newestDigest(cache, release, sound);
    if (now === newest) return;
    newest = now;
  }
}

async function newestDigest(cache: Cache, release: string, sound: string | undefined): Promise<string | undefined> {
  const digests = (await readNames(releasePath(cache, release))).filter(isDigest);
  if (digests.length === 1 && digests[0] === sound) return sound;
  return (await listRelease(cache, release)).find((entry) => !isDamaged(entry))?.digest;
}

async function removeLink(link: string): Promise<void> {
  await rm(link, { force: true });
  await rmdir(join(link, '..')).catch((error: unknown) => {
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '')) throw error;
  });
}
