/**
 * Attacks the host's end of a link: `attack-link.program.ts attack SEED` prints a tally as JSON, `… flood COUNT` sends it so
 * many small frames at once. Fails where the link does what it must not. A process of its own: node:test would follow
 * each of some million promises, for half of the time.
 */
import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { FrameReader, type Message, encodeFrame } from '@kheaders/shared';
import { AgentFailure, AgentRefusal } from '../../host/src/device/agent-refusal.js';
import { goldenMessages } from '../golden/agent-messages.js';
import { formatMessage, toMessage } from '../golden/plain.js';
import { measureMemory } from '../support/memory.js';
import { type AttackKind, type Random, attackKinds, createRandom, cutAnywhere, makeAttack } from '../support/mutate.js';
import type { LinkTally } from './attack.js';
import { greeting, openLink } from './scripted-link.js';

const rounds: Readonly<Record<AttackKind, number>> = {
  mutated: 10_000,
  random: 1000,
  truncated: 1000,
  length: 1000,
  full: 100,
};
const frames = Object.values(goldenMessages).map((plain) => encodeFrame(toMessage(plain)));

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
const tally: LinkTally = { messages: 0, refusals: 0, failures: 0, memory: [] };

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

async function attackLinks(random: Random): Promise<void> {
  const plan = attackKinds.flatMap((kind) => Array.from({ length: rounds[kind] }, () => kind));
  for (let left = plan.length; left > 0; left -= 1) {
    const [kind] = plan.splice(random.below(plan.length), 1);
    await attackLink(random, makeAttack(random, kind!, frames));
    if (left % 600 > 0) continue;
    // V8 lets go of buffers between two turns of the loop.
    await setImmediate();
    tally.memory.push(measureMemory());
  }
}

async function takeSmallFrames(count: number): Promise<void> {
  const frame = encodeFrame({ name: 'done', id: 1, body: {} });
  const { link } = await openLink([Buffer.alloc(count * frame.length, frame)]);
  for (let left = count; left > 0; left -= 1) assert.equal((await link.next(1)).name, 'done');
  await assert.rejects(link.next(1), { trouble: 'ended' });
}

const [mode, number] = process.argv.slice(2);
if (mode === 'flood') await takeSmallFrames(Number(number));
else await attackLinks(createRandom(Number(number)));
process.stdout.write(JSON.stringify(tally));
