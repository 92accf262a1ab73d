import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { makeAdbServer } from '../../../../host/src/adb/server-connection.js';
import { makeContext } from '../../../../host/src/core/context.js';
import { openAgentLink } from '../../../../host/src/device/agent-link.js';
import { AgentFailure, AgentRefusal } from '../../../../host/src/device/agent-refusal.js';
import { LeasedModule } from '../../../../host/src/run/leased-module.js';
import { startScriptedServer } from '../../../support/adb-server-script.js';
import { type AgentPeer, type AgentScript, agentBuild, runAgent } from '../../../support/agent-script.js';

const bytes = Buffer.alloc(200_000, 'module');
const start = { path: '/data/local/tmp/kheaders-agent-x', build: agentBuild, wrap: (script: string) => script };

async function open(t: TestContext, intercept: NonNullable<AgentScript['intercept']>) {
  let peer!: AgentPeer;
  const shell = (scripted: Parameters<typeof runAgent>[0]): void =>
    void (peer = runAgent(scripted, { archive: Buffer.alloc(0), intercept }));
  const { port } = await startScriptedServer(t, { devices: [{ serial: 'A', shell }] });
  const server = makeAdbServer({ kind: 'tcp', host: '127.0.0.1', port }, {});
  const link = await openAgentLink({ server, serial: 'A' }, start, [], makeContext());
  t.after(() => link[Symbol.asyncDispose]());
  const lines: string[] = [];
  const ends: string[] = [];
  const module = new LeasedModule(link, {
    name: 'hello',
    bytes,
    parameters: 'count=3',
    holder: 'a test',
    onLine: ({ text }) => lines.push(text),
    onLogEnd: (why) => ends.push(why),
  });
  return { module, peer: () => peer, lines, ends };
}

const line = (text: string, sequence = 1) => ({ sequence, microseconds: 5, level: 6, text });

/** A phone whose log can be told at any time. */
function withLog(): { readonly intercept: NonNullable<AgentScript['intercept']>; readonly log: () => number } {
  let log = 0;
  return {
    log: () => log,
    intercept(message, peer) {
      if (message.name === 'log') {
        log = message.id;
        return true;
      }
      if (message.name === 'cancel') {
        peer.send('line', log, line('the last', 9));
        peer.refuse(log, { code: 'cancelled' });
      }
      return false;
    },
  };
}

test('LeasedModule sends the file, follows the log, then loads; unloads when asked to', async (t) => {
  const { intercept, log } = withLog();
  const { module, peer, lines, ends } = await open(t, intercept);
  assert.equal((await module.load()).ours, true);
  const names = peer().heard.map(({ name }) => name);
  assert.deepEqual(names, ['hello', 'store', 'store', 'store', 'store', 'log', 'lease']);
  const sent = peer().heard.flatMap(({ name, body }) => (name === 'store' ? [Buffer.from(body.bytes)] : []));
  assert.ok(Buffer.concat(sent).equals(bytes));
  const lease = peer().heard.at(-1)!;
  assert.ok(lease.name === 'lease');
  const { paths, sole, parameters, module: name } = lease.body;
  assert.deepEqual({ paths, sole, parameters, name }, { paths: [], sole: true, parameters: 'count=3', name: 'hello' });

  peer().send('line', log(), line('one'));
  let stop: () => void = () => undefined;
  const released = module.followUntil(new Promise((resolve) => (stop = resolve)));
  peer().send('line', log(), line('two'));
  stop();
  assert.equal((await released).unload, 'ok');
  await module.endLog();
  assert.deepEqual(lines, ['one', 'two', 'the last']);
  assert.deepEqual(ends, []);
});

test('LeasedModule: a refusal is told, and the log can still be ended', async (t) => {
  const { intercept, log } = withLog();
  const { module, lines } = await open(t, (message, peer) => {
    if (message.name !== 'lease') return intercept(message, peer);
    peer.send('line', log(), line('disagrees about version'));
    peer.refuse(message.id, { code: 'load', errno: 22 });
    return true;
  });
  await assert.rejects(module.load(), (error) => error instanceof AgentRefusal && error.body.errno === 22);
  await module.endLog();
  assert.deepEqual(lines, ['disagrees about version', 'the last']);
});

test('LeasedModule goes on without a log that cannot be followed', async (t) => {
  const { module, ends } = await open(t, (message, peer) => {
    if (message.name !== 'log') return false;
    peer.refuse(message.id, { code: 'io', errno: 1, path: '/dev/kmsg' });
    return true;
  });
  await module.load();
  assert.deepEqual(ends, ['io: EPERM /dev/kmsg']);
  assert.equal((await module.followUntil(Promise.resolve())).unload, 'ok');
  await module.endLog();
});

test('LeasedModule: an answer of another kind is the helper’s fault', async (t) => {
  const { module } = await open(t, (message, peer) => {
    if (message.name !== 'lease') return message.name === 'log';
    peer.send('done', message.id, {});
    return true;
  });
  await assert.rejects(module.load(), AgentFailure);
});
