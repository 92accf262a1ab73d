import { constants } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { throwIfAborted, type Context } from '../core/context.js';
import { type Tree, isAsLarge } from '../core/tree.js';
import { corrupt, inCache } from './errors.js';
import type { Cache, Entry } from './format.js';
import { publishReplacing } from './publish.js';
import { openStaging } from './staging.js';
import { isArchiveIntact } from './verify.js';

/** Extracts an archive into an existing empty directory and says what came out. */
export type Extract = (archivePath: string, targetDir: string) => Promise<Tree>;

/**
 * Makes an entry again from its own archive and puts it in place of the damaged one. Throws `cache-corrupt` if the
 * archive is damaged too, or does not give the tree in the manifest: then only another pull helps.
 */
export async function repairEntry(cache: Cache, entry: Entry, extract: Extract, ctx: Context): Promise<Entry> {
  if (!(await isArchiveIntact(entry, ctx))) {
    throw corrupt('The archive is damaged, too; pull it again', entry.archivePath, 'archive');
  }
  await using staging = await openStaging(cache, ctx);
  await inCache(cache.path, () => copyFile(entry.archivePath, staging.archivePath, constants.COPYFILE_FICLONE));
  const tree = await extract(staging.archivePath, staging.headersDir);
  throwIfAborted(ctx);
  if (!isAsLarge(tree, entry.manifest.tree)) {
    throw corrupt('The archive gives another tree than before; pull it again', entry.path, 'tree');
  }
  return await publishReplacing(staging, entry.manifest, tree, ctx);
}
