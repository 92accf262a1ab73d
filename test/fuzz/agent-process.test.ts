import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { access, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { encodeFrame, frameMagic } from '@kheaders/shared';
import { ownAbi, runEntry } from '../agent/run-entry.js';
import { goldenMessages } from '../golden/agent-messages.js';
import { toMessage } from '../golden/plain.js';
import {
  type AgentProcess,
  agentFolder,
  buildAgents,
  eventually,
  expectName,
  isRunning,
  residentKilobytes,
  startAgent,
} from '../support/agent-process.js';
import { chooseSeed, concat, createRandom, makeAttack } from '../support/mutate.js';
import { programArguments } from '../support/program.js';
import { temporaryDirectory } from '../support/temp.js';
import { buildStarter } from './agent-starter.js';
import { type AttackTally, attackRounds, firstPing, growthLimit } from './attack.js';
import { FrameModel } from './frame-model.js';

const seed = chooseSeed(process.env['KHEADERS_SEED']);
console.log(`KHEADERS_SEED=${seed}`);

const skip = ownAbi === undefined && `the agent is not built for ${process.arch}`;
const isRoot = process.getuid?.() === 0;
if (ownAbi !== undefined) await buildAgents();
const command = [join(agentFolder, ownAbi ?? '')];
const frames = Object.values(goldenMessages).map((plain) => encodeFrame(toMessage(plain)));
const magic = Buffer.from(frameMagic);

/** How often a lease daemon is attacked. */
const daemonRounds = 2000;
/** Attacks at the same time. */
const lanes = 4;

async function attackAgents(starter: string, lane: number): Promise<AttackTally> {
  const program = programArguments(new URL('attack-agents.program.ts', import.meta.url));
  const args = [starter, `${starter}-${lane}`, ...command, String(seed + lane), String(1 / lanes)];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [...program, ...args]);
  assert.equal(stderr, '');
  return JSON.parse(stdout) as AttackTally;
}

const needed = skip || (spawnSync('gcc', ['--version']).error !== undefined && 'this machine has no gcc');

test('the agent answers hostile bytes by a coded error and ends, or goes on', { skip: needed }, async (t) => {
  const starter = await buildStarter(await temporaryDirectory(t));
  const tallies = await Promise.all(Array.from({ length: lanes }, (_none, lane) => attackAgents(starter, lane)));
  console.log(tallies);
  const sum = (count: (tally: AttackTally) => number): number => tallies.reduce((all, tally) => all + count(tally), 0);
  assert.ok(sum(({ attacks }) => attacks) >= Object.values(attackRounds).reduce((all, count) => all + count));
  assert.ok(sum(({ pongs }) => pongs) > 300);
  for (const { ends } of tallies)
    assert.deepEqual(Object.keys(ends).sort(), ['bad-frame', 'bad-message', 'bad-version']);
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
    const model = new FrameModel();
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
