import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type HostileResult, attackReaders, floodReader, hostileRounds } from '../agent/hostile-reader.js';
import { ownAbi, runEntry } from '../agent/run-entry.js';
import { chooseSeed } from '../support/mutate.js';

const seed = chooseSeed(process.env['KHEADERS_SEED']);
console.log(`KHEADERS_SEED=${seed}`);

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function measure(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** What stays is the least at any time: others in this process may have something in hand while it is measured. */
function assertSteady(memory: readonly number[]): void {
  const quarter = Math.floor(memory.length / 4);
  const growth = Math.min(...memory.slice(-quarter)) - Math.min(...memory.slice(quarter, 2 * quarter));
  assert.ok(growth < 512 * 1024, `${growth} bytes more: ${memory.join(' ')}`);
}

function assertWithstood({ attacks, messages, errors, problems, memory }: HostileResult): void {
  assert.deepEqual(problems, []);
  assert.equal(
    attacks,
    Object.values(hostileRounds).reduce((sum, count) => sum + count),
  );
  // The attacks are of both kinds: some get through, some do not.
  assert.ok(messages > 1000, `${messages} messages`);
  assert.deepEqual(Object.keys(errors), ['bad-frame', 'bad-message']);
  assert.ok(
    Object.values(errors).every((count) => count > 1000),
    JSON.stringify(errors),
  );
  assertSteady(memory);
}

let inNode: HostileResult | undefined;

test('FrameReader gives messages or a coded error, and keeps nothing, in Node', () => {
  inNode = attackReaders(seed, measure);
  assertWithstood(inNode);
  assertSteady(floodReader(measure));
});

const skip = ownAbi === undefined ? `the agent is not built for ${process.arch}` : false;

test('FrameReader does the very same, and keeps nothing, in QuickJS', { skip }, async () => {
  const { attacked, flooded } = (await runEntry('hostile', ownAbi!, String(seed))) as {
    attacked: HostileResult;
    flooded: readonly number[];
  };
  assertWithstood(attacked);
  assertSteady(flooded);
  const { memory: _node, ...expected } = inNode!;
  const { memory: _engine, ...found } = attacked;
  assert.deepEqual(found, expected);
});
