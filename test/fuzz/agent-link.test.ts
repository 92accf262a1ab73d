import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameReader, type Message, encodeFrame, frameMagic } from '@kheaders/shared';
import type { ShellProcess } from '../../host/src/adb/shell.js';
import { makeContext } from '../../host/src/core/context.js';
import { AgentLink } from '../../host/src/device/agent-link.js';
import { AgentFailure, AgentRefusal } from '../../host/src/device/agent-refusal.js';
import { goldenMessages } from '../golden/agent-messages.js';
import { formatMessage, toMessage } from '../golden/plain.js';
import { helloFrame } from '../support/agent-script.js';
import { assertSteady, measureMemory } from '../support/memory.js';
import {
  type AttackKind,
  type Random,
  attackKinds,
  chooseSeed,
  createRandom,
  cutAnywhere,
  makeAttack,
} from '../support/mutate.js';

const seed = chooseSeed(process.env['KHEADERS_SEED']);
console.log(`KHEADERS_SEED=${seed}`);

const rounds: Readonly<Record<AttackKind, number>> = {
  mutated: 10_000,
  random: 1000,
  truncated: 1000,
  length: 1000,
  full: 100,
};
const frames = Object.values(goldenMessages).map((plain) => encodeFrame(toMessage(plain)));
const ctx = makeContext();

/** A helper's process that says these pieces and ends. */
function scriptShell(pieces: Iterable<Uint8Array>): ShellProcess & { readonly closed: () => boolean } {
  let closed = false;
  async function* say(): AsyncGenerator<Buffer> {
    for (const piece of pieces) yield Buffer.from(piece);
  }
  return {
    stdout: say(),
    exit: () => ({ code: 0, stderr: '' }),
    write: () => undefined,
    closed: () => closed,
    [Symbol.asyncDispose]: async () => void (closed = true),
  };
}

const greeting = Buffer.concat([Buffer.from(frameMagic), helloFrame()]);

async function openLink(pieces: readonly Uint8Array[]) {
  const shell = scriptShell([greeting, ...pieces]);
  const link = new AgentLink(shell, 1, ctx);
  await link.hello();
  return { link, shell };
}

/** The messages in pieces, as far as they can be taken one after the other; read as the link reads. */
function readPieces(pieces: readonly Uint8Array[]): readonly Message[] {
  const reader = new FrameReader({ inPieces: true });
  reader.push(greeting);
  const messages: Message[] = [];
  try {
    for (const piece of pieces) for (const message of reader.push(piece)) messages.push(message);
  } catch {
    // The link is lost there.
  }
  return messages;
}

/** The id of no message. */
const unused = 1_234_567_890;
const tally = { messages: 0, refusals: 0, failures: 0 };

/** Asks for each message of an attack as if it were the reply that is waited for. */
async function attackLink(random: Random, stream: Uint8Array): Promise<void> {
  const pieces = [...cutAnywhere(random, stream)];
  const { link, shell } = await openLink(pieces);
  for (const expected of readPieces(pieces)) {
    if (expected.name === 'notice' && expected.id === 0) continue;
    // 0 is no reply's id.
    const found = await link.next(expected.id || unused).catch((error: unknown) => error);
    if (found instanceof AgentRefusal) {
      assert.deepEqual([expected.name, found.body], ['error', expected.body]);
      tally.refusals += 1;
    } else if (found instanceof Error) {
      assert.ok(found instanceof AgentFailure, String(found));
      break;
    } else {
      assert.equal(formatMessage(found as Message), formatMessage(expected));
      tally.messages += 1;
    }
  }
  // Then it is lost, for good.
  const lost = await link.next(1).catch((error: unknown) => error);
  assert.ok(lost instanceof AgentFailure && ['framing', 'ended', 'version'].includes(lost.trouble), String(lost));
  assert.equal(await link.next(1).catch((error: unknown) => error), lost);
  assert.ok(shell.closed());
  tally.failures += 1;
}

test('AgentLink gives messages or a coded error, and keeps nothing', { timeout: 300_000 }, async () => {
  const random = createRandom(seed);
  const plan = attackKinds.flatMap((kind) => Array.from({ length: rounds[kind] }, () => kind));
  const memory: number[] = [];
  for (let left = plan.length; left > 0; left -= 1) {
    const [kind] = plan.splice(random.below(plan.length), 1);
    await attackLink(random, makeAttack(random, kind!, frames));
    if (left % 600 === 0) memory.push(measureMemory());
  }
  console.log(tally);
  assert.ok(tally.messages > 1000 && tally.refusals > 100 && tally.failures > 10_000, JSON.stringify(tally));
  assertSteady(memory);
});

test('AgentLink takes very many small frames at once', async () => {
  const count = 500_000;
  const frame = encodeFrame({ name: 'done', id: 1, body: {} });
  const { link } = await openLink([Buffer.alloc(count * frame.length, frame)]);
  for (let left = count; left > 0; left -= 1) assert.equal((await link.next(1)).name, 'done');
  await assert.rejects(link.next(1), { trouble: 'ended' });
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
