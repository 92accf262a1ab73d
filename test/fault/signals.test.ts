import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type ServerScript, type ShellHandler, startScriptedServer } from '../support/adb-server-script.js';
import { compressXz, makeTar, smallTree } from '../support/archives.js';
import { type RunningCli, assertCacheEmpty, listPublished, makeHost, startCli } from '../support/run-cli.js';
import { archive, headerText, phone, probeText, sendArchive } from './support/phone-script.js';

/** A pull that has half of the archive and waits for the rest. */
const stalling: ServerScript = {
  devices: [phone({ onTransfer: (shell) => (shell.stdout(headerText()), shell.stdout(archive.subarray(0, 200))) })],
};

async function start(t: TestContext, script: ServerScript, ...args: readonly string[]) {
  const server = await startScriptedServer(t, script);
  const host = await makeHost(t, server.port);
  const running: RunningCli = startCli(t, host, ['pull', '--verbose', '--source', 'module', ...args]);
  return { host, running };
}

for (const [signal, exit] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  test(`kheaders pull: ${signal} in the middle of the archive cancels, cleans up and ends with ${exit}`, async (t) => {
    const { host, running } = await start(t, stalling);
    await running.saw(/reading the archive/);
    running.kill(signal);
    const { code, signal: killedBy, stdout, stderr } = await running.ended;
    assert.deepEqual([code, killedBy, stdout], [exit, null, ''], stderr);
    assert.match(stderr, /^kheaders: .*\[cancelled\]\n {2}The phone unloads by itself/m);
    await assertCacheEmpty(host);
  });
}

for (const [what, script, pattern] of [
  ['looking for the device', { intercept: () => true }, /host:devices-l/],
  ['waiting for the list', { intercept: (_request, wire) => (wire.okay(), true) }, /host:devices-l/],
  ['asking the phone', { devices: [phone({ onProbe: () => undefined })] }, /asking the phone/],
  ['becoming root', { devices: [phone({ onSu: () => undefined })] }, /becoming root/],
  ['loading', { devices: [phone({ onTransfer: () => undefined })] }, /loading the module/],
  [
    'unloading',
    { devices: [phone({ onTransfer: (shell) => (shell.stdout(headerText()), shell.stdout(archive)) })] },
    /unloading the module/,
  ],
] as readonly [string, ServerScript, RegExp][]) {
  test(`kheaders pull: SIGINT while ${what} ends with 130`, async (t) => {
    const { host, running } = await start(t, script);
    await running.saw(pattern);
    running.kill('SIGINT');
    const { code, stderr } = await running.ended;
    assert.equal(code, 130, stderr);
    assert.match(stderr, /\[cancelled\]/);
    await assertCacheEmpty(host);
  });
}

test('kheaders pull --wait: SIGINT ends the wait', async (t) => {
  const { host, running } = await start(t, { devices: [] }, '--wait');
  await running.saw(/host:devices-l/);
  running.kill('SIGINT');
  const { code, stderr } = await running.ended;
  assert.equal(code, 130, stderr);
  await assertCacheEmpty(host);
});

test('kheaders pull --json: SIGINT is mirrored', async (t) => {
  const { running } = await start(t, stalling, '--json');
  await running.saw(/reading the archive/);
  running.kill('SIGINT');
  const { code, stdout } = await running.ended;
  assert.equal(code, 130);
  assert.equal((JSON.parse(stdout) as { error: { code: string } }).error.code, 'cancelled');
});

/** `adb root` works; on the way back adbd does not answer, which cancelling waits for with a deadline of its own. */
const stuck: ServerScript = {
  devices: [
    {
      serial: 'PHONE1',
      service(name, wire) {
        if (name !== 'root:') return;
        wire.okay();
        wire.send('restarting adbd as root\n');
        wire.end();
      },
      shell(shell) {
        if (shell.command.includes('kheaders-probe')) shell.stdout(probeText());
        else if (shell.command === 'id -u') shell.stdout('0\n');
        else shell.stdout(headerText());
        if (!shell.command.includes('kheaders-transfer')) shell.exit();
      },
    },
  ],
  intercept: (request, wire) => request.includes(':wait-for-') && (wire.okay(), wire.okay(), true),
};

test('kheaders pull: the second SIGINT ends at once what the first still cleans up', async (t) => {
  const { host, running } = await start(t, stuck, '--root', 'adb');
  await running.saw(/reading the archive/);
  running.kill('SIGINT');
  await running.saw(/adb: unroot:/);
  running.kill('SIGINT');
  const { code, stderr } = await running.ended;
  assert.equal(code, 130, stderr);
  // It did not wait for the deadline of the clean-up, which is a warning, nor come to the error.
  assert.doesNotMatch(stderr, /warning|\[cancelled\]/);
  await assertCacheEmpty(host);
});

test('kheaders pull: a reader of standard output that has gone is no error', async (t) => {
  const server = await startScriptedServer(t, { devices: [phone()] });
  const host = await makeHost(t, server.port);
  const { code, signal, stderr } = await startCli(t, host, ['pull'], { closeStdout: true }).ended;
  assert.deepEqual([code, signal, stderr], [0, null, '']);
  assert.equal((await listPublished(host)).length, 1);
});

test('kheaders verify: a reader that goes between two lines ends it quietly, with 0', async (t) => {
  const archives = [archive, compressXz(makeTar(smallTree), '-0', '--check=crc32')];
  const onTransfer: ShellHandler = (shell) => sendArchive(shell, archives.shift());
  const server = await startScriptedServer(t, { devices: [phone({ onTransfer })] });
  const host = await makeHost(t, server.port);
  for (let n = 0; n < 2; n++) assert.equal((await startCli(t, host, ['pull', '--force']).ended).code, 0);
  assert.equal((await listPublished(host)).length, 2);
  const { code, signal, stderr } = await startCli(t, host, ['verify'], { closeStdout: true }).ended;
  assert.deepEqual([code, signal, stderr], [0, null, '']);
});
