import { throwIfAborted, type Context } from '../core/context.js';
import type { Cache, DamagedEntry, Entry } from './format.js';
import { removeEntry } from './remove.js';
import { isDamaged, readLastUse } from './store.js';
import { sweepTemporary } from './sweep.js';
import { readUsage } from './usage.js';

/** What prune goes by. Without any rule only damaged entries go. */
export interface PruneRules {
  /** Entries that stay whatever the other rules say: the most recently used ones. Alone: all others go. */
  readonly keep?: number | undefined;
  /** Entries not used for longer go. */
  readonly olderThanMs?: number | undefined;
  /** The least recently used entries go until the rest is not larger. */
  readonly maxBytes?: number | undefined;
}

export interface PruneCandidate {
  readonly entry: Entry | DamagedEntry;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly usedAt: number;
}

export interface Removal extends PruneCandidate {
  readonly reason: 'damaged' | 'age' | 'size' | 'count';
}

/** Which entries go and why, the least recently used first. `now` is in milliseconds since 1970. */
export function planPrune(candidates: readonly PruneCandidate[], now: number, rules: PruneRules): readonly Removal[] {
  const newestFirst = [...candidates].sort((a, b) => b.usedAt - a.usedAt);
  const healthy = newestFirst.filter(({ entry }) => !isDamaged(entry));
  const { keep = 0, olderThanMs = Infinity, maxBytes = Infinity } = rules;
  const onlyKeep = rules.keep !== undefined && rules.olderThanMs === undefined && rules.maxBytes === undefined;
  let total = healthy.reduce((sum, { bytes }) => sum + bytes, 0);
  const removals: Removal[] = [];
  for (const candidate of newestFirst.toReversed()) {
    const reason = reasonFor(candidate);
    if (reason === undefined) continue;
    if (reason !== 'damaged') total -= candidate.bytes;
    removals.push({ ...candidate, reason });
  }
  return removals;

  function reasonFor(candidate: PruneCandidate): Removal['reason'] | undefined {
    if (isDamaged(candidate.entry)) return 'damaged';
    if (healthy.indexOf(candidate) < keep) return undefined;
    if (onlyKeep) return 'count';
    if (now - candidate.usedAt > olderThanMs) return 'age';
    return total > maxBytes ? 'size' : undefined;
  }
}

/**
 * Removes entries by the rules, and what dead runs left in tmp/. With dryRun nothing is removed. Returns what was, or
 * would be, removed. Throws `cancelled`, `cache-unwritable`.
 */
export async function prune(
  cache: Cache,
  rules: PruneRules & { readonly dryRun?: boolean | undefined },
  ctx: Context,
): Promise<readonly Removal[]> {
  const { entries } = await readUsage(cache, ctx);
  const candidates = [];
  for (const { entry, bytes } of entries) {
    candidates.push({ entry, bytes, usedAt: isDamaged(entry) ? 0 : await readLastUse(entry) });
  }
  const removals = planPrune(candidates, Date.now(), rules);
  if (rules.dryRun) return removals;
  for (const { entry } of removals) {
    throwIfAborted(ctx);
    await removeEntry(cache, entry, ctx);
  }
  await sweepTemporary(cache, ctx);
  return removals;
}
