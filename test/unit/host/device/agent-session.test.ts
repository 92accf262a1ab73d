import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Message, frameMagic } from '@kheaders/shared';
import { makeAdbServer } from '../../../../host/src/adb/server-connection.js';
import { makeContext } from '../../../../host/src/core/context.js';
import type { Event } from '../../../../host/src/core/events.js';
import { type AgentFiles, findAgents, listAgentPaths } from '../../../../host/src/device/agent-files.js';
import { openAgentSession } from '../../../../host/src/device/agent-session.js';
import type { RootPolicy } from '../../../../host/src/device/root.js';
import {
  type PhoneScript,
  archive,
  livePath,
  modulePath,
  phone,
  release,
  sendArchive,
} from '../../../fault/support/phone-script.js';
import { type ShellHandler, startScriptedServer } from '../../../support/adb-server-script.js';
import {
  type AgentPeer,
  type AgentScript,
  agentBuild,
  helloFrame,
  runAgent,
  writeAgentFolder,
} from '../../../support/agent-script.js';
import { temporaryDirectory } from '../../../support/temp.js';

const live = { kind: 'live', path: livePath } as const;
const module = { kind: 'module', release, modules: [modulePath] } as const;

async function makeAgents(t: TestContext, abi?: string): Promise<AgentFiles> {
  const folder = await temporaryDirectory(t);
  await writeAgentFolder(folder, abi);
  return findAgents(folder)!;
}

interface Case {
  /** `false`: it is not installed yet. */
  readonly installed?: boolean;
  readonly agent?: Partial<AgentScript>;
  readonly root?: RootPolicy;
  readonly abi?: string;
  readonly agents?: AgentFiles;
}

async function open(
  t: TestContext,
  phoneScript: PhoneScript,
  { installed = true, agent, root = 'auto', abi, agents: given }: Case,
) {
  const agents = given ?? (await makeAgents(t, abi));
  const peers: AgentPeer[] = [];
  const onAgent: ShellHandler = (shell) => void peers.push(runAgent(shell, { archive, ...agent }));
  const probe = { ...(installed ? { agent: [listAgentPaths(agents)[0]!] } : {}), ...phoneScript.probe };
  const scripted = await startScriptedServer(t, { devices: [phone({ onAgent, ...phoneScript, probe })] });
  const server = makeAdbServer({ kind: 'tcp', host: '127.0.0.1', port: scripted.port }, {});
  const events: Event[] = [];
  const ctx = makeContext({ onEvent: (event) => events.push(event) });
  const session = openAgentSession({ server, serial: 'PHONE1', transportId: '1' }, { root, agents }, ctx);
  return {
    session,
    ctx,
    peers,
    /** Commands and services, as short words. */
    asked: () => scripted.requests.filter((request) => !request.startsWith('host:')).map(nameRequest),
    warnings: () => events.flatMap((event) => (event.kind === 'warning' ? [event.message] : [])),
  };
}

function nameRequest(request: string): string {
  const su = /^shell,v2,raw:(su -c |su 0 )/.exec(request)?.[1] ?? '';
  const words = ['kheaders-probe', 'kheaders-transfer', '--stdio', '--version', 'abilist', 'id -u', 'sync:'];
  return `${su}${words.find((word) => request.includes(word)) ?? request}`;
}

async function readAll(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks = [];
  for await (const chunk of source) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

const names = (heard: readonly Message[]): readonly string[] => heard.map(({ name }) => name);

test('openTransfer of a module: one conversation as root, all asked for at once', async (t) => {
  const { session, ctx, peers, asked, warnings } = await open(t, {}, {});
  await using transfer = await session.openTransfer(module, true, ctx);
  const { path, size, loaded, before, agent } = transfer;
  assert.deepEqual([path, size, loaded, before, agent], [modulePath, archive.length, true, ['binder'], agentBuild]);
  assert.ok(archive.equals(await readAll(transfer.bytes)));
  assert.deepEqual(await transfer.finish(), { unload: 'ok', detail: '', after: ['binder'], output: '' });
  assert.deepEqual(asked(), ['kheaders-probe', 'su -c --stdio']);
  const [hello, , lease, read, releaseRequest] = peers[0]!.heard;
  assert.deepEqual(names(peers[0]!.heard), ['hello', 'channel', 'lease', 'read', 'release']);
  assert.ok(hello?.name === 'hello' && lease?.name === 'lease' && read?.name === 'read' && releaseRequest);
  assert.deepEqual(hello.body.build, agentBuild);
  const { holder, ...body } = lease.body;
  assert.match(holder, /^[\x21-\x7e]+@[\x21-\x7e]+ pid \d+$/);
  const archives = ['/sys/kernel/kheaders.tar.xz', '/proc/kheaders.tar.xz'];
  assert.deepEqual(body, { module: 'kheaders', release, paths: [modulePath], archives, parameters: '', sole: false });
  assert.deepEqual(read.body, { path: '', offset: 0, digest: false });
  assert.deepEqual(warnings(), []);
});

test('openTransfer of a file: read as it is, or as root after a look at who reads', async (t) => {
  const plain = await open(t, {}, {});
  await using first = await plain.session.openTransfer(live, false, plain.ctx);
  assert.ok(archive.equals(await readAll(first.bytes)));
  assert.deepEqual(await first.finish(), { unload: 'none', detail: '', after: [], output: '' });
  assert.deepEqual(names(plain.peers[0]!.heard), ['hello', 'channel', 'stat', 'read']);
  assert.deepEqual(plain.asked(), ['kheaders-probe', '--stdio']);

  const root = await open(t, {}, {});
  await using second = await root.session.openTransfer({ kind: 'carve', path: modulePath }, true, root.ctx);
  assert.deepEqual([second.path, second.loaded], [modulePath, false]);
  assert.ok(archive.equals(await readAll(second.bytes)));
  assert.deepEqual(names(root.peers[0]!.heard), ['hello', 'channel', 'stat', 'stat', 'read']);
});

test('openTransfer: a module that somebody else loaded is read from its archive', async (t) => {
  const { session, ctx } = await open(
    t,
    {},
    { agent: { leased: { path: '', ours: false }, released: { unload: 'none' } } },
  );
  await using transfer = await session.openTransfer(module, true, ctx);
  assert.deepEqual([transfer.path, transfer.loaded], [livePath, false]);
});

test('openTransfer: the payload ends with its last byte, the report comes after', async (t) => {
  let later!: () => void;
  const { session, ctx } = await open(
    t,
    {},
    {
      agent: {
        intercept(message, peer) {
          if (message.name !== 'release') return false;
          later = () => peer.send('released', message.id, { unload: 'kept', detail: '', after: ['kheaders'] });
          return true;
        },
      },
    },
  );
  await using transfer = await session.openTransfer(module, true, ctx);
  assert.ok(archive.equals(await readAll(transfer.bytes)));
  const report = transfer.finish();
  later();
  assert.deepEqual(await report, { unload: 'kept', detail: '', after: ['kheaders'], output: '' });
});

test('openTransfer: disposing early hangs up, so that the phone unloads', async (t) => {
  const { session, ctx, peers } = await open(t, {}, {});
  const transfer = await session.openTransfer(module, true, ctx);
  await transfer[Symbol.asyncDispose]();
  await peers[0]!.shell.wire.closed;
  const given = await session.openTransfer(module, true, ctx);
  for await (const chunk of given.bytes) {
    assert.ok(chunk.length > 0);
    break;
  }
  await peers[1]!.shell.wire.closed;
});

for (const [name, leased, code] of [
  ['no size', { size: 0 }, 'device-failed'],
  ['an impossible size', { size: 2 ** 40 }, 'device-failed'],
  ['a path that was not asked for', { path: '/etc/shadow' }, 'device-failed'],
  ['an archive that was not asked for', { archive: '/etc/shadow' }, 'device-failed'],
] as const) {
  test(`openTransfer: a lease with ${name} is ${code}`, async (t) => {
    const { session, ctx } = await open(t, { probe: { uid: ['0'] } }, { agent: { leased } });
    await assert.rejects(session.openTransfer(module, true, ctx), { code });
  });
}

for (const [name, size, reason, actual] of [
  ['fewer', archive.length + 10, 'short', archive.length],
  ['more', archive.length - 10, 'long', archive.length],
] as const) {
  test(`openTransfer: ${name} bytes than announced are a ${reason} archive`, async (t) => {
    const { session, ctx } = await open(t, {}, { agent: { leased: { size } } });
    await using transfer = await session.openTransfer(module, true, ctx);
    const details = { serial: 'PHONE1', reason, expected: String(size), actual: String(actual) };
    await assert.rejects(readAll(transfer.bytes), { code: 'archive-corrupt', details });
  });
}

test('openTransfer: a read that fails in the middle is a short archive, as one that ends early', async (t) => {
  const { session, ctx } = await open(
    t,
    {},
    {
      agent: {
        intercept(message, peer) {
          if (message.name !== 'read') return false;
          peer.sendData(message.id, 0, 100);
          peer.refuse(message.id, { code: 'io', errno: 19, path: livePath });
          return true;
        },
      },
    },
  );
  await using transfer = await session.openTransfer(module, true, ctx);
  await assert.rejects(readAll(transfer.bytes), {
    code: 'archive-corrupt',
    details: { serial: 'PHONE1', reason: 'short', expected: String(archive.length), actual: '100' },
  });
});

test('openTransfer: what the phone refuses is refused, and the shell is not asked again', async (t) => {
  for (const [refusal, code, reason] of [
    [{ code: 'load', errno: 129 }, 'module-refused', 'EKEYREJECTED'],
    [{ code: 'vermagic' }, 'module-refused', 'vermagic'],
    [{ code: 'no-archive' }, 'module-refused', 'unknown'],
  ] as const) {
    const { session, ctx, asked, warnings } = await open(
      t,
      {},
      { agent: { intercept: (message, peer) => message.name === 'lease' && (peer.refuse(message.id, refusal), true) } },
    );
    await assert.rejects(session.openTransfer(module, true, ctx), (error: any) => {
      assert.deepEqual([error.code, error.details.reason], [code, reason]);
      return true;
    });
    assert.deepEqual([asked(), warnings()], [['kheaders-probe', 'su -c --stdio'], []]);
  }
  const { session, ctx, warnings } = await open(
    t,
    {},
    {
      agent: {
        intercept: (message, peer) =>
          message.name === 'read' && (peer.refuse(message.id, { code: 'io', errno: 2, path: livePath }), true),
      },
    },
  );
  await assert.rejects(session.openTransfer(live, false, ctx), {
    code: 'read-refused',
    details: { serial: 'PHONE1', reason: 'ENOENT', output: `io: ENOENT ${livePath}` },
  });
  assert.deepEqual(warnings(), []);
});

test('openTransfer as root: a su that does not work is told as without the helper', async (t) => {
  const refuse: ShellHandler = (shell) => (shell.stderr('Not allowed\n'), shell.exit(1));
  const { session, ctx, asked, warnings } = await open(t, { onAgent: refuse, onSu: refuse }, {});
  await assert.rejects(session.openTransfer(module, true, ctx), (error: any) => {
    assert.equal(error.code, 'not-root');
    assert.deepEqual(error.details.tried, [
      'adb shell: uid 2000',
      'su -c: exit code 1, "Not allowed"',
      'su 0: exit code 1, "Not allowed"',
    ]);
    return true;
  });
  assert.deepEqual([asked(), warnings()], [['kheaders-probe', 'su -c --stdio', 'su -c id -u', 'su 0 id -u'], []]);
});

test('openTransfer as root: a su that gives another user is no root, for a module and for a file', async (t) => {
  for (const request of [module, live]) {
    const onSu: ShellHandler = (shell) => (shell.stdout('2000\n'), shell.exit());
    const { session, ctx, warnings } = await open(t, { onSu }, { agent: { uid: 2000 } });
    await assert.rejects(session.openTransfer(request, true, ctx), { code: 'not-root' });
    assert.deepEqual(warnings(), []);
  }
});

test('openTransfer as root finds the other form of su', async (t) => {
  const works = (shell: { command: string }): boolean => shell.command.startsWith('su 0 ');
  const onSu: ShellHandler = (shell) => (
    shell.stdout(works(shell) ? '0\n' : 'no such user\n'),
    shell.exit(works(shell) ? 0 : 1)
  );
  const onAgent: ShellHandler = (shell) => {
    if (works(shell)) runAgent(shell, { archive });
    else shell.exit(1);
  };
  const { session, ctx, asked } = await open(t, { onSu, onAgent }, {});
  await using transfer = await session.openTransfer(module, true, ctx);
  assert.ok(archive.equals(await readAll(transfer.bytes)));
  assert.deepEqual(asked(), ['kheaders-probe', 'su -c --stdio', 'su -c id -u', 'su 0 id -u', 'su 0 --stdio']);
});

test('openTransfer installs the helper first where it is missing, once for the session', async (t) => {
  const { session, ctx, asked, warnings } = await open(t, {}, { installed: false });
  for (let round = 0; round < 2; round += 1) {
    await using transfer = await session.openTransfer(live, false, ctx);
    assert.ok(archive.equals(await readAll(transfer.bytes)));
  }
  assert.deepEqual(asked(), ['kheaders-probe', 'abilist', 'sync:', '--version', '--stdio', '--stdio']);
  assert.deepEqual(warnings(), []);
});

test('openTransfer installs the helper anew where its file went since the probe saw it', async (t) => {
  let starts = 0;
  const onAgent: ShellHandler = (shell) => {
    starts += 1;
    if (starts > 1) return void runAgent(shell, { archive });
    shell.stderr('sh: not found\n');
    shell.exit(127);
  };
  const { session, ctx, asked, warnings } = await open(t, { onAgent }, {});
  await using transfer = await session.openTransfer(live, false, ctx);
  assert.ok(archive.equals(await readAll(transfer.bytes)));
  assert.deepEqual(asked(), ['kheaders-probe', '--stdio', 'abilist', 'sync:', '--version', '--stdio']);
  assert.deepEqual(warnings(), []);
});

const fallbacks: readonly (readonly [string, PhoneScript, Case, RegExp])[] = [
  [
    'another ABI',
    {},
    { installed: false, abi: 'riscv64' },
    /there is none for this phone \(arm64-v8a, armeabi-v7a, armeabi; only riscv64\)/,
  ],
  [
    'a folder that refuses execution',
    { onInstall: (shell) => (shell.stdout('code=126\nversion=sh: x: Permission denied\n'), shell.exit()) },
    { installed: false },
    /cannot be installed \(\/data\/local\/tmp: exit code 126, sh: x: Permission denied; \/tmp: exit code 126/,
  ],
  [
    'another version in its place',
    { onInstall: (shell) => (shell.stdout('code=0\nversion=feed\n'), shell.exit()) },
    { installed: false },
    /says it is build feed, not 0123456789abcdef/,
  ],
  [
    'another build',
    {},
    {
      agent: {
        greeting: Buffer.concat([Buffer.from(frameMagic), helloFrame({ build: 'feed' })]),
      },
    },
    /it is another version \(protocol 3, build feed; expected 3, 0123456789abcdef\)/,
  ],
  [
    'its daemon missing',
    {},
    {
      agent: {
        intercept: (message, peer) =>
          message.name === 'lease' && (peer.refuse(message.id, { code: 'daemon', detail: 'no daemon' }), true),
      },
    },
    /answered daemon: no daemon/,
  ],
  [
    'its end before the payload',
    {},
    { agent: { intercept: (message, peer) => message.name === 'read' && (peer.shell.exit(137), true) } },
    /it ended \(exit code 137\)/,
  ],
  [
    'frames that are none',
    {},
    {
      agent: {
        intercept: (message, peer) => message.name === 'read' && (peer.shell.stdout(Buffer.alloc(64, 0xff)), true),
      },
    },
    /does not keep to the protocol/,
  ],
];
for (const [name, script, options, says] of fallbacks) {
  test(`openTransfer: ${name}: the shell does it, and one warning says why`, async (t) => {
    const { session, ctx, asked, warnings } = await open(t, { onTransfer: sendArchive, ...script }, options);
    for (let round = 0; round < 2; round += 1) {
      await using transfer = await session.openTransfer(module, true, ctx);
      assert.ok(archive.equals(await readAll(transfer.bytes)));
      assert.equal(transfer.agent, undefined);
      assert.equal((await transfer.finish()).unload, 'ok');
    }
    const [warning, ...more] = warnings();
    assert.deepEqual(more, []);
    assert.match(warning!, /^The helper on the phone is not used: .*; going on with the phone's own shell$/);
    assert.match(warning!, says);
    assert.deepEqual(asked().slice(-2), ['su -c kheaders-transfer', 'su -c kheaders-transfer']);
  });
}

test('openTransfer: a connection that is lost before the payload is lost, helper or not', async (t) => {
  const { session, ctx, warnings } = await open(t, { onAgent: (shell) => shell.cut() }, {});
  await assert.rejects(session.openTransfer(live, false, ctx), { code: 'device-lost' });
  assert.deepEqual(warnings(), []);
});

test('openTransfer: a helper whose file is missing or damaged on this host is not pushed', async (t) => {
  for (const [content, says] of [
    [undefined, /its file for arm64-v8a cannot be read on this host/],
    ['another helper', /its file for arm64-v8a is damaged on this host/],
  ] as const) {
    const folder = await temporaryDirectory(t);
    await writeAgentFolder(folder);
    const file = join(folder, 'arm64-v8a');
    await (content === undefined ? rm(file) : writeFile(file, content));
    const { session, ctx, asked, warnings } = await open(t, {}, { installed: false, agents: findAgents(folder)! });
    await using transfer = await session.openTransfer(module, true, ctx);
    assert.ok(archive.equals(await readAll(transfer.bytes)));
    assert.match(warnings()[0]!, says);
    assert.equal(asked().includes('sync:'), false);
  }
});
