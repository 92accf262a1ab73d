import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Message, encodeFrame } from '@kheaders/shared';
import { makeAdbServer } from '../../../../host/src/adb/server-connection.js';
import { makeContext } from '../../../../host/src/core/context.js';
import { openAgentLink } from '../../../../host/src/device/agent-link.js';
import { type Wire, startScriptedServer } from '../../../support/adb-server-script.js';
import { type AgentPeer, agentBuild, runAgent } from '../../../support/agent-script.js';

const start = { path: '/x', build: agentBuild, wrap: (script: string) => script, channel: true };
const info = (id: number, size: number): Uint8Array =>
  encodeFrame({ name: 'fileInfo', id, body: { size, mode: 0, uid: 0 } });

interface Script {
  /** The service that was asked for: refused where this does not take it. */
  readonly connected?: (wire: Wire, peer: AgentPeer, id: number) => void;
}

/** A helper that waits for its channel and answers one stat, which has the id 1. */
async function open(t: TestContext, { connected }: Script) {
  let peer!: AgentPeer;
  let channel: Message | undefined;
  let refuse!: () => void;
  const refused = new Promise<void>((resolve) => (refuse = resolve));
  const scripted = await startScriptedServer(t, {
    devices: [
      {
        serial: 'A',
        shell: (shell) =>
          (peer = runAgent(shell, {
            archive: Buffer.alloc(0),
            intercept(message) {
              if (message.name === 'channel') peer.send('done', (channel = message).id, {});
              return message.name !== 'hello';
            },
          })),
        service(name, wire) {
          assert.equal(name, `localabstract:${channel?.name === 'channel' && channel.body.name}`);
          if (connected !== undefined) return connected(wire, peer, channel!.id);
          wire.fail('closed');
          refuse();
        },
      },
    ],
  });
  const server = makeAdbServer({ kind: 'tcp', host: '127.0.0.1', port: scripted.port }, {});
  const link = await openAgentLink(
    { server, serial: 'A' },
    start,
    [{ name: 'stat', body: { path: '/x' } }],
    makeContext(),
  );
  t.after(() => link[Symbol.asyncDispose]());
  return { link, refused, peer: () => peer };
}

test('what the helper says comes by its channel once it has moved there', async (t) => {
  const { link, peer } = await open(t, {
    connected(wire, agent, id) {
      wire.okay();
      wire.send(info(1, 8));
      agent.send('moved', id, {});
      wire.send(info(1, 9));
    },
  });
  assert.deepEqual([(await link.reply(1, 'fileInfo')).size, (await link.reply(1, 'fileInfo')).size], [8, 9]);
  const asked = link.request({ name: 'release', body: {} });
  while (!peer().heard.some(({ id }) => id === asked)) await new Promise((resolve) => setImmediate(resolve));
});

test('where adbd cannot connect the helper goes on where it spoke', async (t) => {
  const { link, refused, peer } = await open(t, {});
  const waiting = link.reply(1, 'fileInfo');
  await refused;
  peer().shell.stdout(info(1, 7));
  assert.equal((await waiting).size, 7);
});

test('behind the end of the channel the shell says how the helper ended', async (t) => {
  const ending = (end: (peer: AgentPeer) => void): Script => ({
    connected(wire, agent, id) {
      wire.okay();
      agent.send('moved', id, {});
      wire.send(info(1, 9).subarray(0, -1));
      wire.end();
      end(agent);
    },
  });
  const ended = await open(
    t,
    ending(({ shell }) => shell.exit(70)),
  );
  await assert.rejects(ended.link.reply(1, 'fileInfo'), { trouble: 'ended', message: /exit code 70/ });
  const lost = await open(
    t,
    ending(({ shell }) => shell.cut()),
  );
  await assert.rejects(lost.link.reply(1, 'fileInfo'), { code: 'device-lost' });
});

test('a helper that moves where we could not connect has failed', async (t) => {
  const { link, refused, peer } = await open(t, {});
  const waiting = link.reply(1, 'fileInfo');
  waiting.catch(() => undefined);
  await refused;
  peer().send('moved', 2, {});
  await assert.rejects(waiting, { code: 'device-failed' });
});
