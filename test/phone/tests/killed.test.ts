import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, hasModule, phoneTest, useAdbServer, waitUntilUnloaded, withAgent } from './phone-test.js';
import { assertCacheWhole } from '../../support/whole-cache.js';
import { waitFor } from '../wait.js';
import type { CliRun } from './cli.js';

useAdbServer();

/** How long a phone may keep the module after its host is gone. */
const unloadMilliseconds = 3000;

/** Waits until a pull has the module loaded and is reading. */
async function untilReading({ phone }: Bench, run: CliRun): Promise<void> {
  let ended = false;
  void run.done.then(() => (ended = true));
  while (!(await hasModule(phone))) {
    assert.equal(ended, false, `the pull ended before it loaded anything: ${run.stderr()}`);
    await sleep(5);
  }
}

/** Waits until bytes of the archive come: what is lost from then on can be gone on with. The run must be verbose. */
async function untilPayload(run: CliRun): Promise<void> {
  await waitFor('the payload', 60_000, () => run.stderr().includes('reading the archive (') || undefined);
}

phoneTest('pull killed with SIGKILL at ten moments leaves nothing', { layout: 'sys' }, async (bench) => {
  const { phone, start, kheaders, cache } = bench;
  const begin = Date.now();
  assert.equal((await kheaders('pull', '--force')).code, 0);
  const duration = Date.now() - begin;
  const waits: number[] = [];
  let loaded = 0;
  for (let moment = 0; moment < 10; moment += 1) {
    const run = start('pull', '--force');
    // Half of them spread over the whole pull, half over the time in which the module is loaded.
    if (moment % 2 === 0) await sleep((duration * (moment + 1)) / 11);
    else {
      await untilReading(bench, run);
      await sleep(moment * 10);
    }
    if (await hasModule(phone)) loaded += 1;
    run.child.kill('SIGKILL');
    await run.done;
    waits.push(await waitUntilUnloaded(phone, unloadMilliseconds));
    await assertCacheWhole(cache);
  }
  console.log(`  of ten kills ${loaded} met a loaded module; it was gone after at most ${Math.max(...waits)} ms`);
  assert.equal((await kheaders('pull', '--force')).code, 0, 'the next pull succeeds');
});

phoneTest('pull killed while it reads: the phone unloads by itself', { layout: 'sys' }, async (bench) => {
  const run = bench.start('pull');
  await untilReading(bench, run);
  run.child.kill('SIGKILL');
  await run.done;
  await waitUntilUnloaded(bench.phone, unloadMilliseconds);
  assert.equal((await bench.kheaders('list', '--json')).stdout, '');
  assert.equal((await bench.kheaders('pull')).code, 0);
});

phoneTest('pull stopped by Ctrl-C exits 130 and unloads', { layout: 'sys' }, async (bench) => {
  const run = bench.start('pull');
  await untilReading(bench, run);
  run.child.kill('SIGINT');
  const { code, stderr } = await run.done;
  assert.equal(code, 130, stderr);
  await waitUntilUnloaded(bench.phone, unloadMilliseconds);
});

phoneTest(
  'the adb server killed mid-transfer: device-lost, and the phone unloads',
  { layout: 'sys' },
  async (bench) => {
    const { server, phone, kheaders } = bench;
    const run = bench.start('pull');
    await untilReading(bench, run);
    await server.kill();
    const { code, stderr } = await run.done;
    await waitUntilUnloaded(phone, unloadMilliseconds);
    await server.restart();
    await phone.connect(server);
    assert.equal(code, 7, stderr);
    assert.match(stderr, /\[device-lost\]/);
    assert.equal((await kheaders('pull')).code, 0);
  },
);

/** The agent waits for the phone and goes on where it was; the phone's own shell cannot. */
const afterAdbd = withAgent ? 0 : 7;

phoneTest('the adb server restarted mid-transfer: the agent goes on where it was', { layout: 'sys' }, async (bench) => {
  const { server, phone } = bench;
  const run = bench.start('pull', '--verbose');
  await untilPayload(run);
  await server.restart();
  await phone.connect(server);
  const { code, stderr } = await run.done;
  await waitUntilUnloaded(phone, unloadMilliseconds);
  assert.equal(code, withAgent ? 0 : 7, stderr);
  if (withAgent) assert.match(stderr, /The connection broke after \d+ of \d+ bytes; going on from there/);
});

phoneTest(
  'adbd killed mid-transfer: the agent goes on, the shell says device-lost',
  { layout: 'sys' },
  async (bench) => {
    const { server, phone, kheaders } = bench;
    const run = bench.start('pull', '--verbose');
    await untilPayload(run);
    await phone.root(server, 'kill -9 $(pgrep -x adbd)');
    const { code, stderr } = await run.done;
    await waitUntilUnloaded(phone, unloadMilliseconds);
    await phone.connect(server);
    assert.equal(code, afterAdbd, stderr);
    assert.equal((await kheaders('pull')).code, 0);
  },
);

phoneTest(
  'adbd killed under a root script of its own leaves nothing either',
  { layout: 'sys', su: 'aosp' },
  async (bench) => {
    const { server, phone } = bench;
    const run = bench.start('pull', '--verbose');
    await untilPayload(run);
    // init kills adbd's whole cgroup; AOSP's su is a child of adbd, so the script must have moved out.
    await phone.root(server, 'kill -9 $(pgrep -x adbd)');
    assert.equal((await run.done).code, afterAdbd);
    await waitUntilUnloaded(phone, unloadMilliseconds);
    await phone.connect(server);
  },
);
