import assert from 'node:assert/strict';
import { type TestContext, mock, test } from 'node:test';
import { makeAdbServer } from '../../../../host/src/adb/server-connection.js';
import { makeContext } from '../../../../host/src/core/context.js';
import type { Event } from '../../../../host/src/core/events.js';
import { openShellSession } from '../../../../host/src/device/shell-session.js';
import { type ServerScript, type ShellHandler, startScriptedServer } from '../../../support/adb-server-script.js';
import {
  type PhoneScript,
  archive,
  bootId,
  headerText,
  modulePath,
  phone,
  probeText,
  release,
  sendArchive,
} from '../../../fault/support/phone-script.js';

const silent = makeContext();
const live = { kind: 'live', path: '/sys/kernel/kheaders.tar.xz' } as const;
const module = { kind: 'module', release, modules: [modulePath] } as const;

async function open(t: TestContext, phoneScript: PhoneScript, script: ServerScript = {}) {
  const scripted = await startScriptedServer(t, { devices: [phone(phoneScript)], ...script });
  const server = makeAdbServer({ kind: 'tcp', host: '127.0.0.1', port: scripted.port }, {});
  const session = openShellSession({ server, serial: 'PHONE1', transportId: '1' }, { root: 'auto' }, silent);
  return { scripted, session };
}

async function readAll(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks = [];
  for await (const chunk of source) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

test('openShellSession looks for root once for all that need it', async (t) => {
  let sus = 0;
  const onSu: ShellHandler = (shell) => ((sus += 1), shell.stdout('0\n'), shell.exit());
  const onSearch: ShellHandler = (shell) => (shell.stdout(`${modulePath}\n`), shell.exit());
  const { scripted, session } = await open(t, { onSu, onSearch, onTransfer: sendArchive });
  await using asked = await session.openProbe(silent);
  assert.deepEqual(asked.boot, { bootId, procVersion: `Linux version ${release} (build@host) #1 SMP`, release });
  assert.equal((await asked.finish()).identity.release, release);
  assert.deepEqual(await session.searchModules(silent), [{ path: modulePath, readable: false }]);
  for (const asRoot of [true, false]) {
    await using transfer = await session.openTransfer(asRoot ? module : live, asRoot, silent);
    assert.ok(archive.equals(await readAll(transfer.bytes)));
    assert.equal((await transfer.finish()).unload, 'ok');
  }
  assert.equal(sus, 1);
  const commands = scripted.requests.filter((request) => request.startsWith('shell,'));
  assert.deepEqual(
    commands.map((request) => /^shell,v2,raw:(su -c )?/.exec(request)?.[1] ?? 'plain'),
    ['plain', 'su -c ', 'su -c ', 'su -c ', 'plain'],
  );
  await session[Symbol.asyncDispose]();
});

test('openTransfer as root guesses the common su, and asks only where that fails', async (t) => {
  const asked: string[] = [];
  const onSu: ShellHandler = (shell) => {
    asked.push(shell.command.slice(0, 14));
    if (!shell.command.startsWith('su 0 ')) shell.exit(1);
    else if (shell.command.includes('kheaders-transfer')) sendArchive(shell);
    else {
      shell.stdout('0\n');
      shell.exit();
    }
  };
  const common = await open(t, { onTransfer: sendArchive });
  await using first = await common.session.openTransfer(module, true, silent);
  assert.ok(archive.equals(await readAll(first.bytes)));
  assert.equal(common.scripted.requests.filter((request) => request.includes("su -c 'id -u'")).length, 0);

  const other = await open(t, { onSu });
  await using second = await other.session.openTransfer(module, true, silent);
  assert.ok(archive.equals(await readAll(second.bytes)));
  assert.deepEqual(
    asked.map((command) => command.slice(0, 5)),
    ['su -c', 'su -c', 'su 0 ', 'su 0 '],
  );
});

test('openTransfer: the payload ends with its last byte, the report comes after', async (t) => {
  let release!: () => void;
  const later = new Promise<void>((resolve) => (release = resolve));
  const onTransfer: ShellHandler = (shell) => {
    shell.stdout(Buffer.concat([Buffer.from(headerText()), archive.subarray(0, 10)]));
    shell.stdout(archive.subarray(10));
    void later.then(() => (shell.stderr('kheaders-note unload=ok\n'), shell.exit()));
  };
  const { session } = await open(t, { onTransfer });
  await using transfer = await session.openTransfer(module, false, silent);
  assert.ok(archive.equals(await readAll(transfer.bytes)));
  const report = transfer.finish();
  release();
  assert.equal((await report).unload, 'ok');
});

for (const [name, sent, reason] of [
  ['too few', archive.subarray(0, -1), 'short'],
  ['none of the', Buffer.alloc(0), 'short'],
  ['too many', Buffer.concat([archive, Buffer.from('x')]), 'long'],
] as const) {
  test(`openTransfer: ${name} bytes are a ${reason} archive`, async (t) => {
    const onTransfer: ShellHandler = (shell) => (shell.stdout(headerText()), shell.stdout(sent), shell.exit());
    const { session } = await open(t, { onTransfer });
    await using transfer = await session.openTransfer(live, false, silent);
    await assert.rejects(readAll(transfer.bytes), {
      code: 'archive-corrupt',
      details: { serial: 'PHONE1', reason, expected: String(archive.length), actual: String(sent.length) },
    });
  });
}

test('openTransfer: disposing early hangs up, so that the phone unloads', async (t) => {
  let closed: Promise<void> | undefined;
  const onTransfer: ShellHandler = (shell) => (({ closed } = shell.wire), shell.stdout(headerText()));
  const { session } = await open(t, { onTransfer });
  const transfer = await session.openTransfer(live, false, silent);
  await transfer[Symbol.asyncDispose]();
  await closed;
});

test('openTransfer: a phone that never says what it does is given up', { timeout: 30_000 }, async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  let closed: Promise<void> | undefined;
  let over = false;
  const onTransfer: ShellHandler = (shell) => {
    ({ closed } = shell.wire);
    shell.stdout('su: waiting\n');
    const pass = (): void => {
      if (over) return;
      mock.timers.tick(60_000);
      setImmediate(pass);
    };
    pass();
  };
  const { session } = await open(t, { onTransfer });
  await assert.rejects(session.openTransfer(live, false, silent), { code: 'timeout' });
  over = true;
  await closed;
});

test('openShellSession, disposed, puts adbd back only if it switched it, and says so if it cannot', async (t) => {
  const events: Event[] = [];
  const services: string[] = [];
  let root = false;
  const scripted = await startScriptedServer(t, {
    devices: [
      {
        serial: 'PHONE1',
        service(name, wire) {
          services.push(name);
          wire.okay();
          if (name === 'root:') wire.send('restarting adbd as root\n');
          else wire.send('adbd not running as root\n');
          root = true;
          wire.end();
        },
        shell: (shell) => {
          if (shell.command.includes('kheaders-probe')) shell.stdout(probeText());
          else shell.stdout(root ? '0\n' : '2000\n');
          shell.exit();
        },
      },
    ],
    intercept: (request, wire) => request.includes(':wait-for-') && (wire.okay(), wire.okay(), true),
  });
  const server = makeAdbServer({ kind: 'tcp', host: '127.0.0.1', port: scripted.port }, {});
  const ctx = makeContext({ onEvent: (event) => events.push(event) });
  const session = openShellSession({ server, serial: 'PHONE1' }, { root: 'adb' }, ctx);
  await session.searchModules(ctx);
  await session[Symbol.asyncDispose]();
  assert.deepEqual(services, ['root:', 'unroot:']);
  const [warning, ...more] = events.filter(({ kind }) => kind === 'warning');
  assert.deepEqual(more, []);
  assert.ok(warning?.kind === 'warning' && warning.warning === 'cleanup');
  assert.match(warning.message, /adb unroot.*still runs as root/);

  const idle = openShellSession({ server, serial: 'PHONE1' }, { root: 'adb' }, ctx);
  await idle[Symbol.asyncDispose]();
  assert.deepEqual(services, ['root:', 'unroot:']);
});
