import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { kinds, runTorture } from '../../torture/torture.js';

/** Each kind once; `npm run torture` does as many as one likes. */
const rounds = kinds.length;

// At the same time: half of a round is waiting, for a freeze, for the helper's grace.
describe('torture', { concurrency: true }, () => {
  for (const arch of ['x86_64', 'arm64'] as const) {
    test(`torture: ${rounds} rounds on ${arch}`, { timeout: 600_000 }, async () => {
      const seed = Number(process.env['KHEADERS_SEED'] ?? Date.now() % 1_000_000);
      console.log(`  ${arch}: seed ${seed}`);
      const tally = await runTorture({ rounds, seed, arch, log: (line) => console.log(`  ${arch}: ${line}`) });
      for (const kind of kinds) assert.equal(tally[kind].done, 1);
    });
  }
});
