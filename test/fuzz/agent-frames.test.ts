import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HostileResult, attackReaders, floodReader, hostileRounds } from '../agent/hostile-reader.js';
import { ownAbi, runEntry } from '../agent/run-entry.js';
import { assertSteady, measureMemory } from '../support/memory.js';
import { chooseSeed } from '../support/mutate.js';

const seed = chooseSeed(process.env['KHEADERS_SEED']);
console.log(`KHEADERS_SEED=${seed}`);

/** The engine counts every byte that it has in use, and nothing else runs in it. */
const engineLimit = 16 * 1024;

function assertWithstood({ attacks, messages, errors, problems }: HostileResult): void {
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
}

let inNode: HostileResult | undefined;

test('FrameReader gives messages or a coded error, and keeps nothing, in Node', () => {
  inNode = attackReaders(seed, measureMemory);
  assertWithstood(inNode);
  assertSteady(inNode.memory);
  assertSteady(floodReader(measureMemory));
});

const skip = ownAbi === undefined ? `the agent is not built for ${process.arch}` : false;

test('FrameReader does the very same, and keeps nothing, in QuickJS', { skip }, async () => {
  const { attacked, flooded } = (await runEntry('hostile', ownAbi!, String(seed))) as {
    attacked: HostileResult;
    flooded: readonly number[];
  };
  assertWithstood(attacked);
  assertSteady(attacked.memory, engineLimit);
  assertSteady(flooded, engineLimit);
  const { memory: _node, ...expected } = inNode!;
  const { memory: _engine, ...found } = attacked;
  assert.deepEqual(found, expected);
});
