import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { encodeFrame } from '@kheaders/shared';
import { assertSteady } from '../support/memory.js';
import { chooseSeed } from '../support/mutate.js';
import { programArguments } from '../support/program.js';
import type { LinkTally } from './attack.js';
import { openLink } from './scripted-link.js';

const seed = chooseSeed(process.env['KHEADERS_SEED']);
console.log(`KHEADERS_SEED=${seed}`);

async function attackLinks(mode: 'attack' | 'flood', number: number): Promise<LinkTally> {
  const program = programArguments(new URL('attack-link.program.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [...program, mode, String(number)]);
  return JSON.parse(stdout) as LinkTally;
}

test('AgentLink gives messages or a coded error, and keeps nothing', { timeout: 300_000 }, async () => {
  const { memory, ...tally } = await attackLinks('attack', seed);
  console.log(tally);
  assert.ok(tally.messages > 1000 && tally.refusals > 100 && tally.failures > 10_000, JSON.stringify(tally));
  assertSteady(memory);
});

test('AgentLink takes very many small frames at once', async () => {
  await attackLinks('flood', 500_000);
});

for (const length of [0, 32]) {
  test(`AgentLink takes an end with a digest of ${length} bytes`, async () => {
    const digest = new Uint8Array(length);
    const { link } = await openLink([encodeFrame({ name: 'end', id: 1, body: { size: 1, digest } })]);
    assert.equal((await link.reply(1, 'end')).digest.length, length);
    await link[Symbol.asyncDispose]();
  });
}

for (const length of [1, 31, 33, 64]) {
  test(`AgentLink refuses an end with a digest of ${length} bytes`, async () => {
    const digest = new Uint8Array(length);
    const { link, shell } = await openLink([encodeFrame({ name: 'end', id: 1, body: { size: 1, digest } })]);
    await assert.rejects(link.reply(1, 'end'), { trouble: 'framing', message: `its digest has ${length} bytes` });
    assert.ok(shell.closed());
  });
}
