import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startScriptedServer } from '../support/adb-server-script.js';
import { listPublished, makeHost, parseJsonLines, runCli } from '../support/run-cli.js';
import { assertHarmless, testFailure } from './support/expect-failure.js';
import { type PhoneScript, archive, headerText, phone, release, sendArchive } from './support/phone-script.js';

const one = (script: PhoneScript) => ({ devices: [phone(script)] });

for (const version of [
  'Linux version ../../x (a@b) #1',
  'Linux version 6.1\x1b[2J (a@b) #1',
  'Linux version -rf (a@b) #1',
  'Linux version . (a@b) #1',
  `Linux version ${'6'.repeat(65)} (a@b) #1`,
  '\x1b]0;owned\x07',
  '',
]) {
  testFailure({
    name: `release ${JSON.stringify(version.slice(0, 24))}`,
    server: one({ probe: { version: [version] } }),
    code: 'device-failed',
    exit: 8,
    says: ['The kernel release of the device cannot be used'],
  });
}

testFailure({
  name: 'a shell that says anything but the probe',
  server: one({ onProbe: (shell) => (shell.stdout('sh: \x1b[31mno\u2066 such thing\n'), shell.exit(127)) }),
  code: 'device-failed',
  exit: 8,
  says: ['did not answer the probe', '\\x1b[31mno\\u{2066} such thing'],
});

for (const size of ['0', '-1', '', '1e9', '999999999999999', '268435457', 'NaN', '0x10']) {
  testFailure({
    name: `an archive of size ${JSON.stringify(size)}`,
    args: ['pull', '--source', 'module'],
    server: one({ onTransfer: (shell) => (shell.stdout(headerText({ size })), shell.stdout(archive), shell.exit()) }),
    code: 'device-failed',
    exit: 8,
    says: ['impossible archive size'],
  });
}

testFailure({
  name: 'a path no manifest can hold',
  args: ['pull', '--source', 'module'],
  server: one({
    onTransfer: (shell) => (shell.stdout(headerText({ path: '/x\x1b[31m' })), shell.stdout(archive), shell.exit()),
  }),
  code: 'device-failed',
  exit: 8,
  says: [],
});

test('kheaders pull: hostile texts of the phone reach the manifest and the terminal only in a harmless form', async (t) => {
  const hostile = 'a\x1b[31m\x9b\x07b';
  const probe = { version: [`Linux version ${release} (${hostile}) #1`], fingerprint: [hostile], abi: [hostile] };
  const server = await startScriptedServer(t, one({ probe }));
  const host = await makeHost(t, server.port);
  const { code, stderr } = await runCli(t, host, ['pull', '--verbose']);
  assert.equal(code, 0, stderr);
  assertHarmless(stderr);
  const shown = await runCli(t, host, ['show']);
  assert.equal(shown.code, 0, shown.stderr);
  assertHarmless(shown.stdout);
});

test('kheaders pull: an archive that came whole is kept although the phone goes before it reports', async (t) => {
  const onTransfer: PhoneScript['onTransfer'] = (shell) => (
    shell.stdout(headerText()),
    shell.stdout(archive),
    shell.cut()
  );
  const server = await startScriptedServer(t, one({ onTransfer }));
  const host = await makeHost(t, server.port);
  const { code, stdout, stderr } = await runCli(t, host, ['pull', '--json']);
  assert.equal(code, 0, stderr);
  assert.match(
    stderr,
    /warning: PHONE1: The kheaders module may still be loaded.*adb -s PHONE1 shell su -c 'rmmod kheaders'/,
  );
  const [result] = parseJsonLines(stdout);
  assert.deepEqual(result?.['phone'], { loaded: true, unloaded: 'unknown', asFound: false });
  assert.equal((await listPublished(host)).length, 1);
});

test('kheaders pull: a phone whose script was killed before it unloaded is not called as found', async (t) => {
  const onTransfer: PhoneScript['onTransfer'] = (shell) => (
    shell.stdout(headerText()),
    shell.stdout(archive),
    shell.exit(137)
  );
  const server = await startScriptedServer(t, one({ onTransfer }));
  const host = await makeHost(t, server.port);
  const { code, stdout, stderr } = await runCli(t, host, ['pull', '--json', '--quiet']);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /may still be loaded/);
  const [result] = parseJsonLines(stdout);
  assert.deepEqual(result?.['phone'], { loaded: true, unloaded: 'unknown', asFound: false });
});

test('kheaders pull: a module that cannot be unloaded is a loud warning, not a failure', async (t) => {
  const onTransfer: PhoneScript['onTransfer'] = (shell) => {
    shell.stdout(headerText());
    shell.stdout(archive);
    shell.stderr('kheaders-note unload=failed\nkheaders-note detail=rmmod: Device or resource busy\n');
    shell.exit();
  };
  const server = await startScriptedServer(t, one({ onTransfer }));
  const host = await makeHost(t, server.port);
  const { code, stderr } = await runCli(t, host, ['pull', '--quiet']);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^warning: PHONE1: .*Device or resource busy.*rmmod kheaders'\n$/);
});

test('kheaders pull: chatter before the header, and everything one byte at a time', async (t) => {
  const onTransfer: PhoneScript['onTransfer'] = (shell) => {
    shell.stdout('WARNING: linker: unused DT entry\n\n** su banner **\n\n');
    sendArchive(shell);
  };
  const server = await startScriptedServer(t, { ...one({ onTransfer }), pieceBytes: 1 });
  const host = await makeHost(t, server.port);
  const { code, stdout, stderr } = await runCli(t, host, ['pull']);
  assert.equal(code, 0, stderr);
  assert.deepEqual(await listPublished(host), [/kernels\/(.*)\/headers\n$/.exec(stdout)?.[1]]);
});
