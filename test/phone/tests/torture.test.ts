import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kinds, runTorture } from '../../torture/torture.js';

/** Each kind once; `npm run torture` does as many as one likes. */
const rounds = kinds.length;

for (const arch of ['x86_64', 'arm64'] as const) {
  test(`torture: ${rounds} rounds on ${arch}`, { timeout: 600_000 }, async () => {
    const seed = Number(process.env['KHEADERS_SEED'] ?? Date.now() % 1_000_000);
    console.log(`  seed ${seed}`);
    const tally = await runTorture({ rounds, seed, arch, log: (line) => console.log(`  ${line}`) });
    for (const kind of kinds) assert.equal(tally[kind].done, 1);
  });
}
