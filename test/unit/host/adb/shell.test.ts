import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeAdbServer } from '../../../../host/src/adb/server-connection.js';
import { openShell, runShell } from '../../../../host/src/adb/shell.js';
import { makeContext } from '../../../../host/src/core/context.js';
import {
  type ServerScript,
  type ShellHandler,
  shellFrame,
  startScriptedServer,
} from '../../../support/adb-server-script.js';
import type { TestContext } from 'node:test';

async function attach(t: TestContext, shell: ShellHandler, script: ServerScript = {}) {
  const { port } = await startScriptedServer(t, { devices: [{ serial: 'A', shell }], ...script });
  return { server: makeAdbServer({ kind: 'tcp', host: '127.0.0.1', port }, {}), serial: 'A' };
}
const silent = makeContext();

test('runShell gives output, errors and exit code, whatever the pieces', async (t) => {
  for (const pieceBytes of [1, 4, undefined]) {
    const handler: ShellHandler = (shell) => {
      assert.equal(shell.command, "echo 'ü'");
      shell.stdout('out\0ü');
      shell.stderr('err');
      shell.wire.send(shellFrame(77, 'unknown ids are passed over'));
      shell.stdout('put');
      shell.exit(42);
    };
    const address = await attach(t, handler, pieceBytes ? { pieceBytes } : {});
    assert.deepEqual(await runShell(address, "echo 'ü'", silent), { code: 42, stdout: 'out\0üput', stderr: 'err' });
  }
});

test('runShell: an end without an exit frame is a lost device, never success', async (t) => {
  const endings: readonly ShellHandler[] = [
    (shell) => shell.cut(),
    (shell) => (shell.stdout('all of it'), shell.stderr('why'), shell.cut()),
    (shell) => (shell.wire.send(shellFrame(3, Uint8Array.of(0)).subarray(0, 5)), shell.cut()),
    (shell) => (shell.wire.send(shellFrame(3, '')), shell.cut()),
    (shell) => (shell.wire.send(shellFrame(1, 'cut').subarray(0, 6)), shell.cut()),
  ];
  for (const handler of endings) {
    const address = await attach(t, handler);
    await assert.rejects(runShell(address, 'x', silent), { code: 'device-lost' });
  }
});

test('openShell: reading on to an end without an exit frame fails, so that no reader takes it for the end', async (t) => {
  await using shell = await openShell(
    await attach(t, (scripted) => (scripted.stdout('part'), scripted.cut())),
    'x',
    silent,
  );
  await assert.rejects(
    async () => {
      for await (const chunk of shell.stdout) assert.equal(chunk.toString(), 'part');
    },
    { code: 'device-lost' },
  );
});

test('runShell keeps what the device said last in the error', async (t) => {
  const address = await attach(t, (shell) => (shell.stderr('Killed'), shell.cut()));
  await assert.rejects(runShell(address, 'x', silent), { details: { serial: 'A', output: 'Killed' } });
});

test('runShell bounds what a device can make it hold', async (t) => {
  const flood: ShellHandler = (shell) => {
    for (let n = 0; n < 6; n++) shell.stdout(Buffer.alloc(1024 * 1024));
    shell.exit();
  };
  await assert.rejects(runShell(await attach(t, flood), 'x', silent), { code: 'device-failed' });
  const noise: ShellHandler = (shell) => {
    for (let n = 0; n < 64; n++) shell.stderr(Buffer.alloc(16 * 1024, 'e'));
    shell.exit(1);
  };
  const { code, stderr } = await runShell(await attach(t, noise), 'x', silent);
  assert.equal(code, 1);
  assert.ok(stderr.length <= 80 * 1024, `${stderr.length}`);
});

test('openShell: a cancelled command ends with `cancelled` and the device is hung up', async (t) => {
  const controller = new AbortController();
  let closed: Promise<void> | undefined;
  const address = await attach(t, (shell) => {
    ({ closed } = shell.wire);
    shell.stdout('first');
  });
  const ctx = makeContext({ signal: controller.signal });
  await using shell = await openShell(address, 'x', ctx);
  await assert.rejects(
    async () => {
      for await (const chunk of shell.stdout) {
        assert.equal(chunk.toString(), 'first');
        controller.abort();
      }
    },
    { code: 'cancelled' },
  );
  await closed;
  assert.throws(() => shell.exit(), { code: 'device-lost' });
});

test('openShell: disposing hangs up, twice does no harm, and nothing needs to have been read', async (t) => {
  let closed: Promise<void> | undefined;
  const address = await attach(t, (shell) => ({ closed } = shell.wire));
  const shell = await openShell(address, 'x', silent);
  await shell[Symbol.asyncDispose]();
  await shell[Symbol.asyncDispose]();
  await closed;
});

test('openShell: without input it is closed at once; with input its first bytes go out, more can follow', async (t) => {
  const heard: (string | undefined)[] = [];
  const address = await attach(t, (shell) => {
    shell.onInput((bytes) => {
      heard.push(bytes?.toString());
      if (shell.command === 'none' || heard.length === 2) shell.exit();
    });
  });
  await runShell(address, 'none', silent);
  assert.deepEqual(heard.splice(0), [undefined]);
  await using shell = await openShell(address, 'some', silent, { input: Buffer.from('first') });
  shell.write(Buffer.from('second'));
  for await (const chunk of shell.stdout) assert.equal(chunk.length, 0);
  assert.deepEqual(heard, ['first', 'second']);
  assert.equal(shell.exit().code, 0);
  await shell[Symbol.asyncDispose]();
  shell.write(Buffer.from('after a hang-up it does nothing'));
});
