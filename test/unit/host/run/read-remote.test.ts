import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { makeAdbServer } from '../../../../host/src/adb/server-connection.js';
import { makeContext } from '../../../../host/src/core/context.js';
import { type AgentLink, openAgentLink } from '../../../../host/src/device/agent-link.js';
import { readRemote } from '../../../../host/src/run/read-remote.js';
import { startScriptedServer } from '../../../support/adb-server-script.js';
import { type AgentPeer, type AgentScript, agentBuild, runAgent } from '../../../support/agent-script.js';

const start = { path: '/data/local/tmp/kheaders-agent-x', build: agentBuild, wrap: (script: string) => script };
const file = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 251));

interface Opened {
  readonly link: AgentLink;
  readonly peer: () => AgentPeer;
}

async function open(t: TestContext, intercept: AgentScript['intercept']): Promise<Opened> {
  let peer!: AgentPeer;
  const shell = (scripted: Parameters<typeof runAgent>[0]): void =>
    void (peer = runAgent(scripted, { archive: file, ...(intercept === undefined ? {} : { intercept }) }));
  const { port } = await startScriptedServer(t, { devices: [{ serial: 'A', shell }] });
  const server = makeAdbServer({ kind: 'tcp', host: '127.0.0.1', port }, {});
  const link = await openAgentLink({ server, serial: 'A' }, start, [], makeContext());
  t.after(() => link[Symbol.asyncDispose]());
  return { link, peer: () => peer };
}

/** Sends a hundred bytes; the rest only when it is asked to stop, before the answer to that or behind it. */
function inTwo(rest: 'before' | 'behind', end: 'cancelled' | 'end'): NonNullable<AgentScript['intercept']> {
  let read = 0;
  return (message, peer) => {
    if (message.name === 'read') {
      read = message.id;
      peer.sendData(read, 0, 100);
      return true;
    }
    if (message.name !== 'cancel') return false;
    assert.equal(message.body.request, read);
    if (rest === 'behind') peer.send('done', message.id, {});
    peer.sendData(read, 100, 300);
    if (end === 'end') peer.send('end', read, { size: 300, digest: new Uint8Array() });
    else peer.refuse(read, { code: 'cancelled' });
    if (rest === 'before') peer.send('done', message.id, {});
    return true;
  };
}

test('readRemote reads a whole file, or none that has too many bytes', async (t) => {
  const { link, peer } = await open(t, undefined);
  assert.ok(file.equals((await readRemote(link, '/x', 1000))!));
  assert.ok(
    file.equals((await readRemote(link, '/x', 1000, () => undefined))!),
    'whoever measures it cannot tell how much is enough',
  );
  assert.equal(await readRemote(link, '/x', 999), undefined);
  assert.equal(await readRemote(link, '/x', 999, () => 1500), undefined);
  assert.ok(file.equals((await readRemote(link, '/x', 1000, () => 1500))!), 'the file ends before there is enough');
  assert.deepEqual(
    peer()
      .heard.map(({ name }) => name)
      .filter((name) => name === 'read').length,
    5,
  );
});

for (const rest of ['before', 'behind'] as const) {
  for (const end of ['cancelled', 'end'] as const) {
    test(`readRemote stops where it has enough: what is on its way comes ${rest} the answer (${end})`, async (t) => {
      const { link } = await open(t, inTwo(rest, end));
      const heads: number[] = [];
      const measure = (head: Uint8Array): number => (heads.push(head.length), 80);
      assert.ok(file.subarray(0, 80).equals((await readRemote(link, '/x', 1000, measure))!));
      assert.deepEqual(heads, [100], 'it is asked once');
      assert.ok(file.subarray(0, 100).equals((await readRemote(link, '/x', 1000, () => 100))!), 'and the link goes on');
    });
  }
}

test('readRemote reads no more of a file that is too large', async (t) => {
  const { link } = await open(t, inTwo('before', 'cancelled'));
  assert.equal(await readRemote(link, '/x', 99), undefined);
});

test('readRemote: an answer to another request while it stops is a failure of the helper', async (t) => {
  const { link } = await open(t, (message, peer) => {
    if (message.name === 'read') peer.sendData(message.id, 0, 100);
    if (message.name === 'cancel') peer.send('done', message.id + 7, {});
    return message.name === 'read' || message.name === 'cancel';
  });
  await assert.rejects(
    readRemote(link, '/x', 1000, () => 80),
    { trouble: 'framing' },
  );
});
