import assert from 'node:assert/strict';
import { readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Entry } from '../../../../host/src/cache/format.js';
import { planPrune, prune, type PruneCandidate, type PruneRules } from '../../../../host/src/cache/prune.js';
import { listEntries, openCache } from '../../../../host/src/cache/store.js';
import { readUsage } from '../../../../host/src/cache/usage.js';
import { temporaryDirectory } from '../../../support/temp.js';
import { publishFake, release, silent } from './support/fixture.js';

/** Entries named by the time of their last use, 10 bytes each. */
const candidates: readonly PruneCandidate[] = [3, 1, 5, 2, 4].map((usedAt) => ({
  entry: { release, digest: String(usedAt) } as Entry,
  bytes: 10,
  usedAt,
}));

const cases: readonly (readonly [PruneRules, string])[] = [
  [{}, ''],
  [{ keep: 2 }, '1 count, 2 count, 3 count'],
  [{ keep: 0 }, '1 count, 2 count, 3 count, 4 count, 5 count'],
  [{ keep: 9 }, ''],
  [{ olderThanMs: 7 }, '1 age, 2 age'],
  [{ maxBytes: 25 }, '1 size, 2 size, 3 size'],
  [{ maxBytes: 50 }, ''],
  [{ maxBytes: 0 }, '1 size, 2 size, 3 size, 4 size, 5 size'],
  [{ olderThanMs: 8, maxBytes: 35 }, '1 age, 2 size'],
  [{ olderThanMs: 0, keep: 3 }, '1 age, 2 age'],
  [{ maxBytes: 0, keep: 4 }, '1 size'],
];
for (const [rules, expected] of cases) {
  test(`planPrune with ${JSON.stringify(rules)} removes ${expected || 'nothing'}`, () => {
    const removals = planPrune(candidates, 10, rules);
    assert.equal(removals.map(({ entry, reason }) => `${entry.digest} ${reason}`).join(', '), expected);
  });
}

test('planPrune removes damaged entries whatever the rules, and neither counts nor keeps them', () => {
  const damaged = { entry: { release, digest: 'd', path: '/d', damaged: 'x' }, bytes: 1000, usedAt: 0 };
  const plan = (rules: PruneRules) => planPrune([...candidates, damaged], 10, rules).map(({ reason }) => reason);
  assert.deepEqual(plan({}), ['damaged']);
  assert.deepEqual(plan({ maxBytes: 50 }), ['damaged']);
  assert.deepEqual(plan({ maxBytes: 40 }), ['damaged', 'size']);
  assert.deepEqual(plan({ keep: 5 }), ['damaged']);
});

test('prune goes by the last use, and removes nothing in a dry run', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  const [one, two] = [await publishFake(cache, 'one'), await publishFake(cache, 'two')];
  const damaged = await publishFake(cache, 'three');
  await rm(join(damaged.path, 'manifest.json'));
  await utimes(join(one.path, 'used'), 1000, 1000);
  await writeFile(join(cache.tmp, 'rubbish'), '');
  await utimes(join(cache.tmp, 'rubbish'), 1000, 1000);
  const rules = { olderThanMs: 60_000 };
  const planned = await prune(cache, { ...rules, dryRun: true }, silent);
  assert.deepEqual(planned.map(({ reason, entry }) => [reason, entry.digest]).sort(), [
    ['age', one.digest],
    ['damaged', damaged.digest],
  ]);
  assert.equal((await listEntries(cache)).length, 3);
  assert.deepEqual(await readdir(cache.tmp), ['rubbish']);
  assert.deepEqual(await prune(cache, rules, silent), planned);
  assert.deepEqual(await listEntries(cache), [two]);
  assert.deepEqual(await readdir(cache.tmp), []);
});

test('readUsage sums trees, archives and what is in tmp', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  assert.deepEqual(await readUsage(cache, silent), { entries: [], temporaryBytes: 0, totalBytes: 0 });
  const one = await publishFake(cache, 'one');
  const damaged = await publishFake(cache, 'two');
  await rm(join(damaged.path, 'manifest.json'));
  await writeFile(join(cache.tmp, 'x'), 'abc');
  const usage = await readUsage(cache, silent);
  const bytes = one.manifest.tree.bytes + one.manifest.archive.bytes;
  assert.deepEqual(usage.entries[0], { entry: one, bytes });
  assert.ok((usage.entries[1]?.bytes ?? 0) > bytes / 2);
  assert.equal(usage.temporaryBytes, 3);
  assert.equal(usage.totalBytes, bytes + (usage.entries[1]?.bytes ?? 0) + 3);
});
