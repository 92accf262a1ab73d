/**
 * npm run torture -- [ROUNDS] [SEED] [ARCH]: pulls with everything taken away under them; see torture.ts.
 * The seed is printed: the same one gives the same order of things.
 */
import { runTorture } from './torture.js';

const [roundsText = '200', seedText = String(Date.now() % 1_000_000), arch = 'x86_64'] = process.argv.slice(2);
if (arch !== 'x86_64' && arch !== 'arm64') throw new Error(`no such machine: ${arch}`);
const options = {
  rounds: Number(roundsText),
  seed: Number(seedText),
  arch,
  log: (line: string) => console.log(line),
} as const;
console.log(`torture: ${options.rounds} rounds, seed ${options.seed}, ${arch}`);
const tally = await runTorture(options);
for (const [kind, { done, met }] of Object.entries(tally))
  console.log(`${kind}: ${done} rounds, ${met} met their target`);
