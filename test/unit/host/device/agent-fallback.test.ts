import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { frameMagic } from '@kheaders/shared';
import { findAgents } from '../../../../host/src/device/agent-files.js';
import { type PhoneScript, archive, sendArchive } from '../../../fault/support/phone-script.js';
import type { ShellHandler } from '../../../support/adb-server-script.js';
import { helloFrame, runAgent, writeAgentFolder } from '../../../support/agent-script.js';
import { temporaryDirectory } from '../../../support/temp.js';
import { type Case, live, module, open, readAll } from './support/agent-phone.js';

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
