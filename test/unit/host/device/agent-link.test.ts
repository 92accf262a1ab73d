import assert from 'node:assert/strict';
import { type TestContext, mock, test } from 'node:test';
import { type Message, encodeFrame, frameMagic, payloadLimit } from '@kheaders/shared';
import { makeAdbServer } from '../../../../host/src/adb/server-connection.js';
import { makeContext } from '../../../../host/src/core/context.js';
import type { Event } from '../../../../host/src/core/events.js';
import { type AgentRequest, openAgentLink } from '../../../../host/src/device/agent-link.js';
import type { AgentTrouble } from '../../../../host/src/device/agent-refusal.js';
import { type ShellHandler, startScriptedServer } from '../../../support/adb-server-script.js';
import { type AgentPeer, type AgentScript, agentBuild, helloFrame, runAgent } from '../../../support/agent-script.js';

const silent = makeContext();
const status: AgentRequest = { name: 'status', body: {} };
const start = { path: '/data/local/tmp/kheaders-agent-x', build: agentBuild, wrap: (script: string) => script };

async function attach(t: TestContext, shell: ShellHandler) {
  const scripted = await startScriptedServer(t, { devices: [{ serial: 'A', shell }] });
  return { server: makeAdbServer({ kind: 'tcp', host: '127.0.0.1', port: scripted.port }, {}), serial: 'A' };
}

async function open(t: TestContext, script: Partial<AgentScript>, requests: readonly AgentRequest[] = [status]) {
  let peer!: AgentPeer;
  const events: Event[] = [];
  const ctx = makeContext({ onEvent: (event) => events.push(event) });
  const address = await attach(t, (shell) => (peer = runAgent(shell, { archive: Buffer.from('archive'), ...script })));
  const link = await openAgentLink(address, start, requests, ctx);
  t.after(() => link[Symbol.asyncDispose]());
  return { link, peer, events };
}

test('openAgentLink sends magic, hello and all requests at once, before it has heard a word', async (t) => {
  const pieces: Buffer[] = [];
  const address = await attach(t, (shell) => {
    assert.equal(shell.command, 'root exec /data/local/tmp/kheaders-agent-x --stdio');
    shell.onInput((bytes) => {
      pieces.push(bytes!);
      runAgent(shell, { archive: Buffer.alloc(0) });
    });
  });
  const wrapped = { ...start, wrap: (script: string) => `root ${script}` };
  const link = await openAgentLink(address, wrapped, [status, { name: 'release', body: {} }], silent);
  t.after(() => link[Symbol.asyncDispose]());
  assert.equal(pieces.length, 1);
  const rest = pieces[0]!.subarray(frameMagic.length);
  assert.equal(pieces[0]!.subarray(0, frameMagic.length).toString(), frameMagic);
  const tail = Buffer.concat([encodeFrame({ ...status, id: 1 }), encodeFrame({ name: 'release', id: 2, body: {} })]);
  assert.ok(rest.subarray(-tail.length).equals(tail));
});

test('AgentLink: junk before the magic is passed over, replies come in order, more may be asked', async (t) => {
  const greeting = Buffer.concat([
    Buffer.from('WARNING: linker\nkheaders-agen\n'),
    Buffer.from(frameMagic),
    helloFrame(),
  ]);
  const { link, peer } = await open(t, { greeting }, [status, { name: 'release', body: {} }]);
  assert.equal((await link.reply(1, 'state')).build, agentBuild);
  assert.equal((await link.reply(2, 'released')).unload, 'ok');
  const id = link.request({ name: 'stat', body: { path: '/x' } });
  assert.equal((await link.reply(id, 'fileInfo')).size, 7);
  assert.deepEqual(
    peer.heard.map(({ name }) => name),
    ['hello', 'status', 'release', 'stat'],
  );
});

test('AgentLink: a refusal is for its request alone', async (t) => {
  const { link } = await open(
    t,
    { intercept: (message, peer) => message.name === 'status' && (peer.refuse(message.id, { code: 'daemon' }), true) },
    [status, { name: 'release', body: {} }],
  );
  await assert.rejects(link.reply(1, 'state'), { body: { code: 'daemon', errno: 0, path: '', detail: '' } });
  assert.equal((await link.reply(2, 'released')).unload, 'ok');
});

test('AgentLink: a notice is a warning and no reply', async (t) => {
  const { link, events } = await open(t, {
    intercept: (message, peer) =>
      message.name === 'status' && (peer.send('notice', 0, { text: 'adb[31m\x1b holds it' }), false),
  });
  await link.reply(1, 'state');
  const warnings = events.filter(({ kind }) => kind === 'warning');
  assert.deepEqual(warnings, [{ kind: 'warning', warning: 'agent', message: 'adb[31m\x1b holds it' }]);
});

const failures: readonly (readonly [string, AgentTrouble, RegExp, ShellHandler])[] = [
  [
    'exit 126',
    'start',
    /exit code 126, sh: .*Permission denied/,
    (shell) => (shell.stderr('sh: x: Permission denied\n'), shell.exit(126)),
  ],
  [
    'junk, then exit 1',
    'start',
    /exit code 1, not allowed\x1b/,
    (shell) => (shell.stdout('not allowed\x1b\n'), shell.exit(1)),
  ],
  ['a terminal', 'start', /on a terminal/, (shell) => (shell.stdout('kheaders-agent\r\nxx'), shell.exit(0))],
  ['a flood of text', 'framing', /only text/, (shell) => shell.stdout(Buffer.alloc(70_000, 'x'))],
  [
    'another protocol',
    'version',
    /protocol 99, build/,
    (shell) => shell.stdout(Buffer.concat([Buffer.from(frameMagic), helloFrame({ protocol: 99 })])),
  ],
  [
    'another build',
    'version',
    /build feed/,
    (shell) => shell.stdout(Buffer.concat([Buffer.from(frameMagic), helloFrame({ build: 'feed' })])),
  ],
  [
    'no hello',
    'framing',
    /began with done/,
    (shell) => shell.stdout(Buffer.concat([Buffer.from(frameMagic), encodeFrame({ name: 'done', id: 0, body: {} })])),
  ],
  [
    'half a hello',
    'ended',
    /exit code 139/,
    (shell) => (shell.stdout(Buffer.concat([Buffer.from(frameMagic), helloFrame().subarray(0, 11)])), shell.exit(139)),
  ],
];
for (const [name, trouble, message, handler] of failures) {
  test(`openAgentLink: ${name} is a failure of the kind ${trouble}`, async (t) => {
    let closed: Promise<void> | undefined;
    const address = await attach(t, (shell) => (({ closed } = shell.wire), handler(shell)));
    await assert.rejects(openAgentLink(address, start, [status], silent), { trouble, message });
    await closed;
  });
}

test('openAgentLink: a helper that says nothing is given up', async (t) => {
  const address = await attach(t, () => undefined);
  await assert.rejects(openAgentLink(address, { ...start, milliseconds: 50 }, [], silent), { trouble: 'mute' });
});

test('openAgentLink: a lost device and a cancelled wait are what they are', async (t) => {
  const lost = await attach(t, (shell) => (shell.stdout(frameMagic), shell.cut()));
  await assert.rejects(openAgentLink(lost, start, [], silent), { code: 'device-lost' });
  const controller = new AbortController();
  const address = await attach(t, () => controller.abort());
  await assert.rejects(openAgentLink(address, start, [], makeContext({ signal: controller.signal })), {
    code: 'cancelled',
  });
});

const idleState: Message = {
  name: 'state',
  id: 1,
  body: { build: 'x', daemon: 0, guard: 0, memory: 0, milliseconds: 0, detached: false, modules: [], leases: [] },
};
const breaches: readonly (readonly [string, AgentTrouble, (peer: AgentPeer) => void])[] = [
  [
    'a reply to another request, the right one behind it',
    'framing',
    (peer) =>
      peer.shell.stdout(Buffer.concat([encodeFrame({ name: 'done', id: 77, body: {} }), encodeFrame(idleState)])),
  ],
  ['another reply', 'framing', (peer) => peer.send('fileInfo', 1, { size: 1, mode: 1, uid: 1 })],
  ['an unknown tag', 'framing', (peer) => peer.shell.stdout(Buffer.from([0, 0, 0, 0, 250, 1, 0, 0, 0]))],
  ['a huge length', 'framing', (peer) => peer.shell.stdout(Buffer.from([0xff, 0xff, 0xff, 0x7f, 73, 1, 0, 0, 0]))],
  ['trailing bytes', 'framing', (peer) => peer.shell.stdout(Buffer.from([1, 0, 0, 0, 73, 1, 0, 0, 0, 0]))],
  ['a second hello', 'framing', (peer) => peer.shell.stdout(helloFrame())],
  ['a complaint', 'framing', (peer) => peer.refuse(0, { code: 'bad-frame' })],
  ['a complaint about the version', 'version', (peer) => peer.refuse(0, { code: 'bad-version' })],
  ['its end', 'ended', (peer) => peer.shell.exit(137)],
  ['its end in a frame', 'ended', (peer) => (peer.shell.stdout(Buffer.from([9, 0, 0])), peer.shell.exit(0))],
];
for (const [name, trouble, breach] of breaches) {
  test(`AgentLink: ${name} ends it, and every further call fails the same way`, async (t) => {
    const { link, peer } = await open(t, {
      intercept: (message, other) => message.name === 'status' && (breach(other), true),
    });
    await assert.rejects(link.reply(1, 'state'), { trouble });
    await peer.shell.wire.closed;
    await assert.rejects(link.reply(1, 'state'), { trouble });
    await link[Symbol.asyncDispose]();
  });
}

test('AgentLink reads no further than it is asked to: a slow reader slows the phone down', async (t) => {
  const frames = 512;
  const bytes = Buffer.alloc(payloadLimit);
  const { link, peer } = await open(
    t,
    {
      intercept(message, other) {
        if (message.name !== 'read') return false;
        for (let n = 0; n < frames; n += 1) other.send('data', message.id, { bytes });
        return true;
      },
    },
    [{ name: 'read', body: { path: '/x', offset: 0, digest: false } }],
  );
  let left = frames * bytes.length;
  const readPiece = async (): Promise<void> => {
    const message = await link.next(1);
    assert.ok(message.name === 'data');
    left -= message.body.bytes.length;
  };
  await readPiece();
  for (let turn = 0; turn < 2000; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  // What is on its way is in the buffers of two sockets.
  assert.ok(peer.shell.wire.unsent() > (frames * bytes.length) / 2, `${peer.shell.wire.unsent()}`);
  while (left > 0) await readPiece();
  assert.equal(left, 0);
  assert.equal(peer.shell.wire.unsent(), 0);
  await link[Symbol.asyncDispose]();
});

test('AgentLink says every five seconds that it lives, and takes half a minute of silence for the end', async (t) => {
  mock.timers.enable({ apis: ['setInterval'] });
  t.after(() => mock.timers.reset());
  const { link, peer } = await open(t, { intercept: ({ name }) => name === 'status' });
  const waiting = link.reply(1, 'state');
  waiting.catch(() => undefined);
  mock.timers.tick(5_000);
  while (!peer.heard.some(({ name }) => name === 'ping')) await new Promise((resolve) => setImmediate(resolve));
  peer.send('state', 1, idleState.body);
  assert.equal((await waiting).build, 'x');

  const real = performance.now.bind(performance);
  let skipped = 0;
  t.mock.method(performance, 'now', () => real() + skipped);
  const lost = link.next(9);
  lost.catch(() => undefined);
  skipped = 31_000;
  mock.timers.tick(5_000);
  await assert.rejects(lost, { code: 'device-lost' });
  await peer.shell.wire.closed;
});
