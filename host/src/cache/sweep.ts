import { join } from 'node:path';
import { throwIfAborted, type Context } from '../core/context.js';
import { quietly } from '../core/disposal.js';
import { lstatIfPresent, readNames, removeTree } from './files.js';
import type { Cache } from './format.js';
import { hostTag, isAlive } from './host-tag.js';

const hour = 3_600_000;

/** Deletes what dead processes left in tmp/. A failure is only a warning: the next run tries again. */
export async function sweepTemporary(cache: Cache, ctx: Context): Promise<void> {
  await quietly(ctx, 'clean up old temporary files', async () => {
    for (const name of await readNames(cache.tmp)) {
      throwIfAborted(ctx);
      const path = join(cache.tmp, name);
      const age = Date.now() - ((await lstatIfPresent(path))?.mtimeMs ?? Infinity);
      if (isStale(name, age, hostTag(), isAlive)) await removeTree(path);
    }
  });
}

/**
 * True for something in tmp/ that nobody will finish: its process is dead for sure and it is older than an hour, or
 * nobody knows its process (another host, before a reboot, a foreign name) and it is older than a day.
 */
export function isStale(name: string, ageMs: number, tag: string, alive: (pid: number) => boolean): boolean {
  const [, pid, owner] = /^(\d{1,10})-([0-9a-f]{8})-[0-9a-f]{12}$/.exec(name) ?? [];
  if (pid === undefined || owner !== tag) return ageMs > 24 * hour;
  return ageMs > hour && !alive(Number(pid));
}
