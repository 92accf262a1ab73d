import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { goldenMessages } from '../golden/agent-messages.js';
import { refusedFrames } from '../golden/refused-frames.js';
import { type Abi, abis, findRunner, runEntry } from './run-entry.js';

const folder = fileURLToPath(new URL('../golden/agent', import.meta.url));

const names = [...Object.keys(goldenMessages).map((key) => `${key}.bin`), ...refusedFrames.map(({ what }) => what)];

for (const abi of Object.keys(abis) as Abi[]) {
  test(`FrameReader and encodeFrame pass the checks of Node in QuickJS (${abi})`, async (t) => {
    if ((await findRunner(abi)) === undefined) return t.skip(`this machine has no emulator for ${abi}`);
    const results = (await runEntry('golden', abi, folder)) as [string, string[]][];
    assert.deepEqual(
      results.filter(([, problems]) => problems.length > 0),
      [],
    );
    assert.deepEqual(
      results.map(([name]) => name),
      names,
    );
  });
}
