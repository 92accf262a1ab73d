import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from '@kheaders/shared';
import { archive, livePath, modulePath, release } from '../../../fault/support/phone-script.js';
import type { ShellHandler } from '../../../support/adb-server-script.js';
import { agentBuild, runAgent } from '../../../support/agent-script.js';
import { live, module, open, readAll } from './support/agent-phone.js';

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
