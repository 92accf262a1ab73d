import assert from 'node:assert/strict';
import { access, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { FrameReader, type Message, type WireCode, WireError, encodeFrame, frameMagic } from '@kheaders/shared';
import { ownAbi, runEntry } from '../agent/run-entry.js';
import { goldenMessages } from '../golden/agent-messages.js';
import { toMessage } from '../golden/plain.js';
import {
  AgentProcess,
  agentFolder,
  buildAgents,
  eventually,
  expectName,
  greeting,
  isRunning,
  residentKilobytes,
  startAgent,
} from '../support/agent-process.js';
import {
  type AttackKind,
  type Random,
  attackKinds,
  chooseSeed,
  concat,
  createRandom,
  cutAnywhere,
  makeAttack,
} from '../support/mutate.js';
import { temporaryDirectory } from '../support/temp.js';

const seed = chooseSeed(process.env['KHEADERS_SEED']);
console.log(`KHEADERS_SEED=${seed}`);

const skip = ownAbi === undefined && `the agent is not built for ${process.arch}`;
const isRoot = process.getuid?.() === 0;
if (ownAbi !== undefined) await buildAgents();
const command = [join(agentFolder, ownAbi ?? '')];
const frames = Object.values(goldenMessages).map((plain) => encodeFrame(toMessage(plain)));
const magic = Buffer.from(frameMagic);

/** How often an agent is attacked in each way, and a lease daemon. */
const rounds: Readonly<Record<AttackKind, number>> = {
  mutated: 10_000,
  random: 500,
  truncated: 500,
  length: 500,
  full: 50,
};
const daemonRounds = 2000;
/** Attacks at the same time. */
const lanes = 4;
/** The id of a first ping: beyond those of the frames that are mutated, whose answers come as well. */
const firstPing = 0x7eed_0000;
/** KiB that an agent may grow. */
const growthLimit = 8 * 1024;

function* planAttacks(random: Random, share: number): Generator<Uint8Array> {
  const left = new Map(attackKinds.map((kind) => [kind, Math.ceil(rounds[kind] * share)]));
  while (left.size > 0) {
    const kind = random.pick([...left.keys()]);
    yield makeAttack(random, kind, frames);
    const more = left.get(kind)! - 1;
    if (more === 0) left.delete(kind);
    else left.set(kind, more);
  }
}

/** What a reader that is as it should be makes of the same bytes. */
class Model {
  readonly #reader = new FrameReader();
  readonly messages: Message[] = [];
  code: WireCode | undefined;

  push(bytes: Uint8Array): void {
    try {
      for (const message of this.#reader.push(bytes)) this.messages.push(message);
    } catch (error) {
      assert.ok(error instanceof WireError);
      this.code = error.code;
    }
  }

  get atBoundary(): boolean {
    return this.#reader.atBoundary;
  }
}

const tally = { attacks: 0, processes: 0, pongs: 0, ends: new Map<string, number>() };

/** One agent under attack, until it ends. */
class Victim {
  readonly #agent = new AgentProcess(command);
  readonly #model = new Model();
  readonly #greeted: boolean;
  #before = 0;
  #pings = firstPing;

  constructor(greeted: boolean) {
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
    const { code, signal, stderr } = await this.#agent.ended();
    assert.deepEqual([code, signal, stderr], [1, null, '']);
    const said = this.#agent.heard.flatMap(({ name, body }) => (name === 'error' ? [body.code] : []));
    const found = codes.find((candidate) => said.includes(candidate));
    assert.ok(found !== undefined, `${codes.join(' or ')} was to be said, not ${said.join()}`);
    tally.ends.set(found, (tally.ends.get(found) ?? 0) + 1);
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

async function attackAgents(random: Random, share: number, greeted: () => boolean): Promise<void> {
  let victim: Victim | undefined;
  try {
    for (const stream of planAttacks(random, share)) {
      victim ??= new Victim(greeted());
      if (!(await victim.attack(random, stream))) victim = undefined;
    }
  } finally {
    victim?.kill();
  }
}

test('the agent answers hostile bytes by a coded error and ends, or goes on', { skip }, async () => {
  await Promise.all(
    Array.from({ length: lanes }, (_none, lane) => {
      const random = createRandom(seed + lane);
      // Without hello the first frame is the last.
      return attackAgents(random, 1 / lanes, () => random.below(4) > 0);
    }),
  );
  console.log(tally);
  assert.ok(tally.attacks >= Object.values(rounds).reduce((sum, count) => sum + count));
  assert.ok(tally.pongs > 300);
  assert.deepEqual([...tally.ends.keys()].sort(), ['bad-frame', 'bad-message', 'bad-version']);
});

test('the agent that is sent sound frames for ever does not grow', { skip }, async (t) => {
  const random = createRandom(seed);
  const agent = startAgent(t, command);
  await agent.greet();
  let pings = firstPing;
  const mustAnswer = async (): Promise<void> => {
    pings += 1;
    agent.write(encodeFrame({ name: 'ping', id: pings, body: {} }));
    assert.equal((await agent.next(pings)).name, 'done');
  };
  let before = 0;
  for (let round = 0; round < 10_000; round += 1) {
    const stream = makeAttack(random, 'mutated', frames);
    const model = new Model();
    model.push(concat([magic, stream]));
    if (model.code !== undefined || !model.atBoundary) continue;
    agent.write(stream);
    if (round % 20 > 0) continue;
    await mustAnswer();
    agent.takeAll();
    if (round < 2000) before = Math.max(before, await residentKilobytes(agent.pid));
  }
  await mustAnswer();
  const memory = await residentKilobytes(agent.pid);
  assert.ok(before > 0 && memory < before + growthLimit, `${before} KiB before, now ${memory}`);
});

/** What the agent grows by while its host sends and does not listen; then the host listens after all. */
async function floodUnheard(agent: AgentProcess, flood: readonly Uint8Array[]): Promise<number> {
  const before = await residentKilobytes(agent.pid);
  agent.ignore();
  for (const bytes of flood) agent.write(bytes);
  let memory = 0;
  for (let look = 0; look < 20; look += 1) {
    memory = Math.max(memory, await residentKilobytes(agent.pid));
    await sleep(50);
  }
  assert.ok(agent.unsent > 0, 'who is not listened to does not listen');
  agent.listen();
  return memory - before;
}

test('the agent that is sent pings and not listened to does not grow', { skip }, async (t) => {
  const agent = startAgent(t, command);
  await agent.greet();
  const count = 50_000;
  const flood = Array.from({ length: count }, (_none, at) => encodeFrame({ name: 'ping', id: at + 1, body: {} }));
  const growth = await floodUnheard(agent, [concat(flood)]);
  assert.ok(growth < growthLimit, `${growth} KiB more`);
  await agent.until('all answers', () => agent.heard.length === count || undefined);
});

test('the agent that is sent requests behind a long read does not grow', { skip }, async (t) => {
  const path = join(await temporaryDirectory(t), 'large');
  await using sparse = await open(path, 'w');
  await sparse.truncate(100 * 1024 * 1024);
  const agent = startAgent(t, command);
  await agent.greet();
  const count = 20_000;
  const read = encodeFrame({ name: 'read', id: 1, body: { path, offset: 0, digest: false } });
  const flood = Array.from({ length: count }, (_none, at) =>
    encodeFrame({ name: 'stat', id: at + 2, body: { path: '/'.repeat(100) } }),
  );
  const growth = await floodUnheard(agent, [read, concat(flood)]);
  // The read is ahead by at most 24 MiB.
  assert.ok(growth < 25 * 1024 + growthLimit, `${growth} KiB more`);
  const answers = new Map<number, string>();
  await agent.until('all answers', () => {
    for (const { id, name, body } of agent.takeAll()) {
      if (name !== 'data') answers.set(id, name === 'error' ? body.code : name);
    }
    return answers.size === count + 1 || undefined;
  });
  assert.deepEqual([answers.get(1), answers.get(2), answers.get(count)], ['end', 'fileInfo', 'bad-order']);
});

const statePath = '/dev/.kheaders-lease';

async function startDaemon(t: TestContext): Promise<AgentProcess> {
  const agent = startAgent(t, command);
  await agent.greet();
  const body = {
    module: 'kh_test',
    release: '',
    paths: [],
    archives: [],
    parameters: '',
    holder: 'a test',
    sole: false,
  };
  assert.equal(expectName(await agent.ask({ name: 'lease', body }), 'error').code, 'vermagic');
  return agent;
}

const rootOnly = skip || (!isRoot && 'the lease daemon is for root only, and this test does not run as root');

test('the lease daemon withstands hostile peers and serves the others', { skip: rootOnly }, async (t) => {
  const good = await startDaemon(t);
  const ask = async () => expectName(await good.ask({ name: 'status', body: {} }), 'state');
  const { daemon, guard } = await ask();
  const token = /^token=(.+)$/m.exec(await readFile(statePath, 'utf8'))![1]!;
  await runEntry('peer', ownAbi!, String(seed), '0', token);
  const before = await residentKilobytes(daemon);
  const attack = async (lane: number): Promise<void> => {
    const share = String(daemonRounds / lanes);
    const outcomes = (await runEntry('peer', ownAbi!, String(seed + lane), share, token)) as Record<string, number>;
    console.log(outcomes);
    assert.deepEqual(
      Object.keys(outcomes).filter((outcome) => outcome.startsWith('problem')),
      [],
    );
    assert.ok(outcomes['refused']! > 0 && outcomes['answered']! > 0);
  };
  const attacks = Promise.all(Array.from({ length: lanes }, (_none, lane) => attack(lane)));
  let under = true;
  const over = attacks.finally(() => (under = false));
  // Awaited below, whatever comes before.
  over.catch(() => undefined);
  while (under) {
    const state = await ask();
    assert.deepEqual([state.daemon, state.guard, state.modules], [daemon, guard, []]);
    await Promise.race([over, sleep(50)]);
  }
  await over;
  assert.deepEqual((await ask()).leases, []);
  const memory = await residentKilobytes(daemon);
  assert.ok(memory < before + growthLimit, `${before} KiB before, now ${memory}`);
  good.hangUp();
  for (const pid of [daemon, guard]) await eventually(`the end of ${pid}`, async () => !(await isRunning(pid)));
  await assert.rejects(access(statePath), { code: 'ENOENT' });
});
