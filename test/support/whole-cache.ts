import assert from 'node:assert/strict';
import { openCache } from '../../host/src/pull/kernel-cache.js';

/** Every entry of a cache is healthy and as it was published, file by file: what `kheaders verify` finds, without a process for it. */
export async function assertCacheWhole(folder: string): Promise<void> {
  const cache = await openCache({ cacheDir: folder });
  for (const entry of await cache.list()) {
    const name = `${entry.release}@${entry.digest}`;
    assert.ok(!('damaged' in entry), `${name} in ${folder} is damaged: ${'damaged' in entry ? entry.damaged : ''}`);
    assert.deepEqual(await cache.verify(entry), [], `${name} in ${folder} is not as it was published`);
  }
}
