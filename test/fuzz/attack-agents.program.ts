/**
 * Attacks agents, one after the other: `attack-agents.program.ts STARTER SOCKET AGENT SEED SHARE`, a share of the
 * rounds from 0 to 1. Prints a tally as JSON; fails where an agent does what it must not, and what an agent says on
 * standard error is said here. A process of its own: node:test would follow each of some thousand sockets.
 */
import assert from 'node:assert/strict';
import { encodeFrame, frameMagic, type WireCode } from '@kheaders/shared';
import { goldenMessages } from '../golden/agent-messages.js';
import { toMessage } from '../golden/plain.js';
import { type AgentProcess, greeting, residentKilobytes } from '../support/agent-process.js';
import { type Random, attackKinds, createRandom, cutAnywhere, makeAttack } from '../support/mutate.js';
import { AgentStarter } from './agent-starter.js';
import { type AttackTally, attackRounds, firstPing, growthLimit } from './attack.js';
import { FrameModel } from './frame-model.js';

const [program = '', socket = '', agent = '', seed = '', share = ''] = process.argv.slice(2);
const frames = Object.values(goldenMessages).map((plain) => encodeFrame(toMessage(plain)));
const magic = Buffer.from(frameMagic);
const tally: AttackTally = { attacks: 0, processes: 0, pongs: 0, ends: {} };

function* planAttacks(random: Random, share: number): Generator<Uint8Array> {
  const left = new Map(attackKinds.map((kind) => [kind, Math.ceil(attackRounds[kind] * share)]));
  while (left.size > 0) {
    const kind = random.pick([...left.keys()]);
    yield makeAttack(random, kind, frames);
    const more = left.get(kind)! - 1;
    if (more === 0) left.delete(kind);
    else left.set(kind, more);
  }
}

/** One agent under attack, until it ends. */
class Victim {
  readonly #agent: AgentProcess;
  readonly #model = new FrameModel();
  readonly #greeted: boolean;
  #before = 0;
  #pings = firstPing;

  constructor(started: AgentProcess, greeted: boolean) {
    this.#agent = started;
    this.#greeted = greeted;
    this.#write(greeted ? greeting() : magic);
    tally.processes += 1;
  }

  #write(bytes: Uint8Array): void {
    this.#model.push(bytes);
    this.#agent.write(bytes);
  }

  /** Returns true where the agent goes on. Errors: it does what it must not. */
  async attack(random: Random, stream: Uint8Array): Promise<boolean> {
    for (const piece of random.below(10) === 0 ? cutAnywhere(random, stream) : [stream]) this.#write(piece);
    tally.attacks += 1;
    const { code, atBoundary, messages } = this.#model;
    if (code !== undefined) return this.#mustEnd(this.#greeted ? [code] : [code, 'bad-version']);
    if (!this.#greeted && messages.length > 0) return this.#mustEnd(['bad-version']);
    if (!atBoundary) {
      // The bytes of the next attack go on with this frame.
      if (random.below(2) === 0) return true;
      this.#agent.hangUp();
      return this.#mustEnd(['bad-frame']);
    }
    return !this.#greeted || this.#mustAnswer();
  }

  /** It says why, and ends in order. */
  async #mustEnd(codes: readonly WireCode[]): Promise<false> {
    const { code, signal } = await this.#agent.ended();
    assert.deepEqual([code, signal], [1, null]);
    const said = this.#agent.heard.flatMap(({ name, body }) => (name === 'error' ? [body.code] : []));
    const found = codes.find((candidate) => said.includes(candidate));
    assert.ok(found !== undefined, `${codes.join(' or ')} was to be said, not ${said.join()}`);
    tally.ends[found] = (tally.ends[found] ?? 0) + 1;
    return false;
  }

  async #mustAnswer(): Promise<true> {
    this.#pings += 1;
    this.#write(encodeFrame({ name: 'ping', id: this.#pings, body: {} }));
    assert.equal((await this.#agent.next(this.#pings)).name, 'done');
    assert.ok(this.#agent.takeAll().every(({ name, body }) => name !== 'error' || body.code !== 'internal'));
    const memory = await residentKilobytes(this.#agent.pid);
    this.#before ||= memory;
    assert.ok(memory < this.#before + growthLimit, `${this.#before} KiB before, now ${memory}`);
    tally.pongs += 1;
    return true;
  }

  kill(): void {
    this.#agent.kill();
  }
}

async function attackAgents(starter: AgentStarter, random: Random): Promise<void> {
  let victim: Victim | undefined;
  try {
    for (const stream of planAttacks(random, Number(share))) {
      // Without hello the first frame is the last.
      victim ??= new Victim(await starter.start(), random.below(4) > 0);
      if (!(await victim.attack(random, stream))) victim = undefined;
    }
  } finally {
    victim?.kill();
  }
}

await using starter = new AgentStarter(program, socket, [agent, '--stdio']);
await starter.listens();
await attackAgents(starter, createRandom(Number(seed)));
process.stdout.write(JSON.stringify(tally));
