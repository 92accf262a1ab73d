import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import type { MessageBody } from '@kheaders/shared';
import { makeAdbServer } from '../../../../host/src/adb/server-connection.js';
import { makeContext } from '../../../../host/src/core/context.js';
import type { Event } from '../../../../host/src/core/events.js';
import { openAgentTransfer } from '../../../../host/src/device/agent-transfer.js';
import { type ServerScript, startScriptedServer } from '../../../support/adb-server-script.js';
import { type AgentPeer, type AgentScript, agentBuild, runAgent } from '../../../support/agent-script.js';

const modulePath = '/vendor/lib/modules/kheaders.ko';
const request = { kind: 'module', release: '6.1.25', modules: [modulePath] } as const;
const archive = randomBytes(300_000);

/** How the helper of each start breaks off; the starts after the last one go well. */
type Break = (message: { readonly id: number; readonly body: MessageBody<'read'> }, peer: AgentPeer) => void;

interface Case {
  readonly breaks: readonly Break[];
  readonly later?: Partial<AgentScript>;
  readonly server?: ServerScript;
  readonly signal?: AbortSignal;
  readonly returnMilliseconds?: number | undefined;
}

async function open(t: TestContext, { breaks, later, server: script, signal, returnMilliseconds }: Case) {
  const peers: AgentPeer[] = [];
  const scripted = await startScriptedServer(t, {
    devices: [
      {
        serial: 'A',
        transportId: 7,
        shell(shell) {
          const broken = breaks[peers.length];
          const given = broken === undefined && peers.length > 0 ? later : {};
          const intercept: AgentScript['intercept'] = (message, peer) => {
            if (broken === undefined || message.name === 'lease') return false;
            if (message.name === 'read') broken(message, peer);
            return true;
          };
          peers.push(runAgent(shell, { archive, ...(broken === undefined ? {} : { intercept }), ...given }));
        },
      },
    ],
    intercept: (asked, wire) => asked.includes(':wait-for-any-device') && (wire.okay(), wire.okay(), true),
    ...script,
  });
  const events: Event[] = [];
  const ctx = makeContext({ onEvent: (event) => events.push(event), signal });
  const server = makeAdbServer({ kind: 'tcp', host: '127.0.0.1', port: scripted.port }, {});
  const run = {
    path: '/x',
    build: agentBuild,
    wrap: (text: string) => text,
    asRoot: true,
    holder: 'me@here pid 1',
    returnMilliseconds,
  };
  const transfer = await openAgentTransfer({ server, serial: 'A', transportId: '7' }, run, request, ctx);
  t.after(() => transfer[Symbol.asyncDispose]());
  const warnings = (): unknown[] =>
    events.flatMap((event) => (event.kind === 'warning' ? [[event.warning, event.message]] : []));
  return { transfer, peers, scripted, warnings };
}

async function readAll(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks = [];
  for await (const chunk of source) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

const cutAt =
  (to: number): Break =>
  ({ id, body }, peer) => {
    peer.sendData(id, body.offset, to);
    peer.shell.cut();
  };
const killedAt =
  (to: number): Break =>
  ({ id, body }, peer) => {
    peer.sendData(id, body.offset, to);
    peer.shell.exit(137);
  };

const readOf = ({ heard }: AgentPeer): unknown => heard.find(({ name }) => name === 'read')?.body;

test('bytes: a lost connection is gone on with where it was, by serial, and the digest decides', async (t) => {
  const { transfer, peers, scripted, warnings } = await open(t, {
    breaks: [cutAt(100_000), killedAt(250_000)],
    later: { leased: { ours: false }, released: { unload: 'none', after: ['later'] } },
  });
  assert.equal(transfer.loaded, true);
  assert.ok(archive.equals(await readAll(transfer.bytes)));
  assert.deepEqual(peers.map(readOf), [
    { path: '', offset: 0, digest: false },
    { path: '', offset: 100_000, digest: true },
    { path: '', offset: 250_000, digest: true },
  ]);
  const said = (at: number): string => `The connection broke after ${at} of 300000 bytes; going on from there`;
  assert.deepEqual(warnings(), [
    ['resume', said(100_000)],
    ['resume', said(250_000)],
  ]);
  // The lease is another one now, and so is its end.
  assert.equal(transfer.loaded, false);
  assert.deepEqual(await transfer.finish(), { unload: 'none', detail: '', after: ['later'], output: '' });
  const transports = scripted.requests.filter((asked) => asked.startsWith('host'));
  assert.deepEqual(transports, [
    'host:transport-id:7',
    'host-serial:A:wait-for-any-device',
    'host:transport:A',
    'host-serial:A:wait-for-any-device',
    'host:transport:A',
  ]);
});

test('bytes: all of it here, but its end lost after a resume: the digest is still asked for', async (t) => {
  const { transfer, peers } = await open(t, { breaks: [cutAt(10), cutAt(archive.length)] });
  assert.ok(archive.equals(await readAll(transfer.bytes)));
  assert.deepEqual(readOf(peers[2]!), { path: '', offset: archive.length, digest: true });
});

test('bytes: a helper whose daemon was killed is asked anew', async (t) => {
  const { transfer } = await open(t, {
    breaks: [({ id }, peer) => (peer.sendData(id, 0, 1000), peer.refuse(id, { code: 'daemon' }))],
  });
  assert.ok(archive.equals(await readAll(transfer.bytes)));
});

test('bytes: other bytes after a resume are a corrupt archive', async (t) => {
  const other = randomBytes(archive.length);
  const { transfer } = await open(t, { breaks: [cutAt(1000)], later: { archive: other } });
  await assert.rejects(readAll(transfer.bytes), (error: any) => {
    assert.deepEqual([error.code, error.details.reason, error.details.serial], ['archive-corrupt', 'digest', 'A']);
    return true;
  });
});

test('bytes: an archive of another size after a resume is a corrupt archive', async (t) => {
  const { transfer } = await open(t, { breaks: [cutAt(1000)], later: { archive: archive.subarray(1) } });
  const details = { serial: 'A', reason: 'changed', expected: '300000', actual: '299999' };
  await assert.rejects(readAll(transfer.bytes), { code: 'archive-corrupt', details });
});

test('bytes: the fourth loss is final', async (t) => {
  const { transfer, warnings, scripted } = await open(t, { breaks: [1000, 2000, 3000, 4000].map((at) => cutAt(at)) });
  await assert.rejects(readAll(transfer.bytes), { code: 'device-lost' });
  assert.equal(warnings().length, 3);
  while (scripted.connections() > 0) await new Promise((resolve) => setImmediate(resolve));
});

test('bytes: where the phone is not as it was, what was lost is the failure', async (t) => {
  const changes = [
    { uid: 2000 },
    { greeting: Buffer.from('kheaders-agent\nxxxxxxxxx') },
    { leased: { path: '/other' } },
  ];
  // At the same time: each waits for the phone to be as it was.
  const tries = changes.map(async (later) => {
    const { transfer } = await open(t, { breaks: [cutAt(1000)], later, returnMilliseconds: 2000 });
    await assert.rejects(readAll(transfer.bytes), { code: 'device-lost' });
  });
  await Promise.all(tries);
});

test('bytes: a device that needs some tries to come back is waited for', async (t) => {
  let tries = 0;
  const { transfer } = await open(t, {
    breaks: [cutAt(1000)],
    server: {
      intercept(asked, wire) {
        if (!asked.includes(':wait-for-any-device')) return false;
        tries += 1;
        if (tries === 1) wire.end();
        else if (tries === 2) wire.fail("device 'A' not found");
        else {
          wire.okay();
          wire.okay();
        }
        return true;
      },
    },
  });
  assert.ok(archive.equals(await readAll(transfer.bytes)));
  assert.equal(tries, 3);
});

test('bytes: a cancelled transfer is not gone on with', async (t) => {
  const controller = new AbortController();
  const { transfer, peers, warnings } = await open(t, {
    breaks: [({ id }, peer) => peer.sendData(id, 0, 1000)],
    signal: controller.signal,
  });
  await assert.rejects(
    async () => {
      for await (const chunk of transfer.bytes) {
        assert.equal(chunk.length, 1000);
        controller.abort();
      }
    },
    { code: 'cancelled' },
  );
  assert.deepEqual([peers.length, warnings()], [1, []]);
});

test('bytes: frames that are none end the transfer, with what is wrong', async (t) => {
  const { transfer, warnings } = await open(t, {
    breaks: [({ id }, peer) => (peer.sendData(id, 0, 1000), peer.shell.stdout(Buffer.alloc(9, 0xff)))],
  });
  await assert.rejects(readAll(transfer.bytes), (error: any) => {
    assert.deepEqual([error.code, error.details.reason], ['device-failed', 'framing']);
    return true;
  });
  assert.deepEqual(warnings(), []);
});

test('finish: a helper that is lost after the last byte is a KhError, whatever it was', async (t) => {
  for (const [script, code] of [
    [
      {
        intercept: (message: { name: string }, peer: AgentPeer) =>
          message.name === 'release' && (peer.shell.cut(), true),
      },
      'device-lost',
    ],
    [
      {
        intercept: (message: { name: string }, peer: AgentPeer) =>
          message.name === 'release' && (peer.shell.exit(1), true),
      },
      'device-failed',
    ],
    [
      {
        intercept: (message: { name: string; id: number }, peer: AgentPeer) =>
          message.name === 'release' && (peer.refuse(message.id, { code: 'internal' }), true),
      },
      'device-failed',
    ],
  ] as const) {
    const peers: AgentPeer[] = [];
    const scripted = await startScriptedServer(t, {
      devices: [{ serial: 'A', shell: (shell) => void peers.push(runAgent(shell, { archive, ...script })) }],
    });
    const server = makeAdbServer({ kind: 'tcp', host: '127.0.0.1', port: scripted.port }, {});
    const run = { path: '/x', build: agentBuild, wrap: (text: string) => text, asRoot: true, holder: 'me' };
    await using transfer = await openAgentTransfer({ server, serial: 'A' }, run, request, makeContext());
    assert.ok(archive.equals(await readAll(transfer.bytes)));
    await assert.rejects(transfer.finish(), { code });
  }
});
