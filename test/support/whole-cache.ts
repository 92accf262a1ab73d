import assert from 'node:assert/strict';
import { isDamaged, listEntries, openCache } from '../../host/src/cache/store.js';
import { verifyEntry } from '../../host/src/cache/verify.js';
import { makeContext } from '../../host/src/core/context.js';
import type { Tree, TreeVisitor } from '../../host/src/core/tree.js';
import { walkFile } from '../../host/src/pull/receive.js';

/** An archive that was walked through once, for later visitors. */
interface Recording {
  readonly tree: Tree;
  readonly show: readonly ((visitor: TreeVisitor) => void)[];
}

/** By the sha256 of the archive: the tests pull some few of them, again and again. */
const recordings = new Map<string, Recording>();

/**
 * Every entry of a cache is healthy and as it was published, file by file: what `kheaders verify` finds, without a process
 * for it, and without unpacking each time what was unpacked before.
 */
export async function assertCacheWhole(folder: string): Promise<void> {
  const ctx = makeContext();
  for (const entry of await listEntries(await openCache(folder))) {
    const name = `${entry.release}@${entry.digest} in ${folder}`;
    assert.ok(!isDamaged(entry), `${name} is damaged`);
    // Its digest has been compared with the archive when it is walked through.
    const walk = (path: string, visitor: TreeVisitor): Promise<Tree> =>
      replay(entry.manifest.archive.sha256, path, visitor);
    assert.deepEqual(await verifyEntry(entry, walk, ctx), [], `${name} is not as it was published`);
  }
}

async function replay(sha256: string, path: string, visitor: TreeVisitor): Promise<Tree> {
  const recording = recordings.get(sha256) ?? (await record(path));
  recordings.set(sha256, recording);
  for (const show of recording.show) show(visitor);
  return recording.tree;
}

async function record(path: string): Promise<Recording> {
  const show: ((visitor: TreeVisitor) => void)[] = [];
  const recorder: TreeVisitor = {
    directory: (name) => show.push((visitor) => visitor.directory(name)),
    symlink: (name, target) => show.push((visitor) => visitor.symlink(name, target)),
    file(name, kind, { bytes, at, size }) {
      const content = { bytes: Buffer.from(bytes.subarray(at, at + size)), at: 0, size };
      show.push((visitor) => visitor.file(name, kind, content));
    },
  };
  return { tree: await walkFile(path, recorder, makeContext()), show };
}
