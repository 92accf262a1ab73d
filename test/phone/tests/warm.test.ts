import assert from 'node:assert/strict';
import type { AdbServer } from '../adb-server.js';
import type { Phone } from '../phone.js';
import { countEvents, startCounting } from './kernel-events.js';
import { phoneTest, useAdbServer } from './phone-test.js';

useAdbServer();

const tracing = '/sys/kernel/tracing';

phoneTest('pull a second time loads no module', { layout: 'sys' }, async ({ phone, server, kheaders }) => {
  await startCounting(phone, server);
  const first = await kheaders('pull');
  assert.deepEqual(await countEvents(phone, server), { loads: 1, frees: 1 }, 'the first pull loads and unloads once');
  const second = await kheaders('pull');
  assert.deepEqual([second.code, second.stdout], [0, first.stdout]);
  assert.deepEqual(await countEvents(phone, server), { loads: 1, frees: 1 }, 'the second one does not');
});

/** Where the archive is always there, a probe on the function that reads it counts. */
async function countReads(phone: Phone, server: AdbServer): Promise<number> {
  const { stdout } = await phone.root(server, `cat ${tracing}/trace | grep -c 'kheaders_read:'`);
  return Number(stdout.trim());
}

phoneTest('pull a second time reads no archive', { layout: 'builtin' }, async ({ phone, server, kheaders }) => {
  const arm = [
    `cd ${tracing}`,
    'echo > trace',
    "echo 'p:kheaders_read ikheaders_read' > kprobe_events",
    'echo 1 > events/kprobes/kheaders_read/enable',
    'echo 1 > tracing_on',
  ];
  const armed = await phone.root(server, arm.join(' && '));
  assert.equal(armed.code, 0, armed.stderr + armed.stdout);
  assert.equal((await kheaders('pull')).code, 0);
  const reads = await countReads(phone, server);
  assert.ok(reads > 0, 'the first pull reads it');
  assert.equal((await kheaders('pull')).code, 0);
  assert.equal(await countReads(phone, server), reads, 'the second one does not');
  await phone.root(server, `cd ${tracing} && echo 0 > events/kprobes/kheaders_read/enable && echo > kprobe_events`);
});

phoneTest('pull --force asks the phone again', { layout: 'sys' }, async ({ phone, server, kheaders }) => {
  await startCounting(phone, server);
  assert.equal((await kheaders('pull')).code, 0);
  const forced = JSON.parse((await kheaders('pull', '--force', '--json')).stdout) as Record<string, unknown>;
  assert.equal(forced['how'], 'fetched');
  assert.deepEqual(await countEvents(phone, server), { loads: 2, frees: 2 });
});
