import type { Context } from '../core/context.js';
import { quietly } from '../core/disposal.js';
import { inCache } from './errors.js';
import { removeExtras } from './extras.js';
import { entryPath, type Cache } from './format.js';
import { forgetEntry } from './identity-index.js';
import { updateLatest } from './latest.js';
import { moveAside } from './publish.js';

/**
 * Removes an entry, healthy or damaged: it is gone at once and as a whole, then its files are deleted. `latest` and the
 * identity index follow. An entry that is gone already is fine. Throws `cache-unwritable`, `usage` for wrong names.
 */
export async function removeEntry(
  cache: Cache,
  entry: { readonly release: string; readonly digest: string },
  ctx: Context,
): Promise<void> {
  const path = entryPath(cache, entry.release, entry.digest);
  await inCache(path, async () => {
    const aside = await moveAside(cache, path, ctx);
    await quietly(ctx, 'update the link to the latest entry', () => updateLatest(cache, entry.release));
    await quietly(ctx, 'update the identity index', () => forgetEntry(cache, entry));
    await quietly(ctx, 'remove what belongs to the entry', () => removeExtras(cache, entry, ctx));
    await aside[Symbol.asyncDispose]();
  });
}
