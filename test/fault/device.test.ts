import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shellFrame, startScriptedServer } from '../support/adb-server-script.js';
import { listPublished, makeHost, parseJsonLines, runCli } from '../support/run-cli.js';
import { assertHarmless, testFailure } from './support/expect-failure.js';
import {
  type PhoneScript,
  archive,
  headerText,
  livePath,
  modulePath,
  phone,
  release,
  sendArchive,
  sendRefusal,
} from './support/phone-script.js';

const one = (script: PhoneScript) => ({ devices: [phone(script)] });
const live = (readable: 'yes' | 'no') => ({ ko: [], live: [`${readable} ${livePath}`] });

testFailure({
  name: 'a connection that ends in the probe',
  server: one({ onProbe: (shell) => (shell.stdout('kheaders-probe 1\nversion=Linux'), shell.cut()) }),
  code: 'device-lost',
  exit: 7,
  says: ['PHONE1', 'the cache is untouched', 'next: kheaders pull -s PHONE1 --wait'],
  details: { serial: 'PHONE1' },
});

testFailure({
  name: 'a complete probe without an exit frame',
  server: one({ onProbe: (shell) => (shell.stdout('kheaders-probe 1\nkheaders-probe end\n'), shell.cut()) }),
  code: 'device-lost',
  exit: 7,
  says: ['broke off'],
});

testFailure({
  name: 'a connection that ends in the middle of the archive',
  server: one({
    onTransfer: (shell) => (shell.stdout(headerText()), shell.stdout(archive.subarray(0, 300)), shell.cut()),
  }),
  code: 'device-lost',
  exit: 7,
  says: ['PHONE1', 'the cache is untouched'],
});

testFailure({
  name: 'a connection that ends in the middle of a frame',
  server: one({
    onTransfer(shell) {
      shell.stdout(headerText());
      shell.wire.send(shellFrame(1, archive).subarray(0, archive.length));
      shell.cut();
    },
  }),
  code: 'device-lost',
  exit: 7,
  says: ['PHONE1'],
});

testFailure({
  name: 'a frame of four gigabytes',
  server: one({ onTransfer: (shell) => shell.wire.send(shellFrame(1, 'x', 0xffffffff)) }),
  code: 'adb-protocol',
  exit: 11,
  says: ['a shell frame of 4294967295 bytes'],
});

testFailure({
  name: 'an archive that stalls, with --timeout',
  args: ['pull', '--timeout', '1'],
  server: one({ onTransfer: (shell) => (shell.stdout(headerText()), shell.stdout(archive.subarray(0, 300))) }),
  code: 'timeout',
  exit: 50,
  says: ['PHONE1', 'Waited 1 s'],
  details: { serial: 'PHONE1', milliseconds: 1000 },
});

testFailure({
  name: 'a su that hangs, with --timeout',
  args: ['pull', '--timeout', '1'],
  server: one({ onSu: () => undefined }),
  code: 'timeout',
  exit: 50,
  says: ['PHONE1'],
});

testFailure({
  name: 'a su that refuses',
  server: one({
    probe: { ko: [`no ${modulePath}`] },
    onSu: (shell) => (shell.stderr('\x1b[1mNot allowed\n'), shell.exit(1)),
  }),
  code: 'not-root',
  exit: 20,
  says: ['adb shell: uid 2000', 'su -c: exit code 1', 'Not allowed', 'su 0: exit code 1', '--root=adb'],
});

testFailure({
  name: 'a su that lies about itself',
  server: one({ probe: { ko: [`no ${modulePath}`] }, onSu: (shell) => (shell.stdout('2000\n'), shell.exit(0)) }),
  code: 'not-root',
  exit: 20,
  says: ['su -c: exit code 0'],
});

testFailure({
  name: 'no su',
  args: ['pull', '--source', 'module'],
  server: one({ probe: { su: ['no'] } }),
  code: 'not-root',
  exit: 20,
  says: ['su: not installed'],
});

testFailure({
  name: 'root not wanted',
  args: ['pull', '--root', 'none'],
  server: one({ probe: { ko: [`no ${modulePath}`] } }),
  code: 'not-root',
  exit: 20,
  says: ['because of --root=none'],
});

testFailure({
  name: 'a su that puts its child on a terminal',
  args: ['pull', '--source', 'module'],
  server: one({
    onTransfer(shell) {
      shell.stdout(headerText().replaceAll('\n', '\r\n'));
      shell.stdout(Buffer.from(archive.toString('latin1').replaceAll('\n', '\r\n'), 'latin1'));
      shell.exit();
    },
  }),
  code: 'device-failed',
  exit: 8,
  says: ['Its su puts commands on a terminal, which corrupts binary data'],
  details: { reason: 'pty' },
});

for (const [text, reason, says] of [
  ['Permission denied', 'EACCES', /SELinux/],
  ['Operation not permitted', 'EPERM', /CAP_SYS_MODULE/],
  ['Required key not available', 'ENOKEY', /does not know the key/],
  ['Key was rejected by service', 'EKEYREJECTED', /signed modules only/],
  ['Exec format error', 'ENOEXEC', /built for another kernel/],
] as const) {
  testFailure({
    name: `an insmod that says "${text}"`,
    args: ['pull', '--source', 'module'],
    server: one({ onTransfer: (shell) => sendRefusal(shell, 'load', `insmod: failed to load ${modulePath}: ${text}`) }),
    code: 'module-refused',
    exit: 23,
    says: [says, text, 'next: adb -s PHONE1 shell su -c', 'kheaders pull -s PHONE1 --no-load'],
    details: { serial: 'PHONE1', reason },
  });
}

testFailure({
  name: 'no module of this kernel',
  args: ['pull', '--source', 'module'],
  server: one({ onTransfer: (shell) => sendRefusal(shell, 'vermagic', `${modulePath} (6.1.0-other SMP);`) }),
  code: 'module-refused',
  exit: 23,
  says: ['built for another kernel', '6.1.0-other'],
  details: { reason: 'vermagic' },
});

testFailure({
  name: 'a live archive that even root may not read',
  server: one({
    probe: live('no'),
    onTransfer: (shell) => sendRefusal(shell, 'read', `cat: ${livePath}: Permission denied`),
  }),
  code: 'read-refused',
  exit: 24,
  says: ['SELinux or file permissions forbid it', 'Permission denied', 'next: kheaders pull -s PHONE1 --root=su'],
  details: { serial: 'PHONE1', reason: 'EACCES' },
});

testFailure({
  name: 'a module refused by all sources',
  server: one({
    onTransfer(shell) {
      if (shell.command.includes('insmod')) sendRefusal(shell, 'load', 'insmod: Permission denied');
      else sendRefusal(shell, 'read', 'cat: Permission denied');
    },
  }),
  code: 'module-refused',
  exit: 23,
  says: ['warning:', 'trying the next source: carve', 'SELinux'],
});

testFailure({
  name: 'a source that is not there',
  args: ['pull', '--source', 'live'],
  server: one({}),
  code: 'read-refused',
  exit: 24,
  says: ['There is: module, carve'],
});

testFailure({
  name: 'a kernel without headers',
  server: one({ probe: { ko: [], config: ['# CONFIG_IKHEADERS is not set'] } }),
  code: 'headers-not-supported',
  exit: 21,
  says: ['/proc/config.gz says: # CONFIG_IKHEADERS is not set', release, 'next: kheaders import FILE'],
});

testFailure({
  name: 'a kernel that cannot be asked',
  server: one({ probe: { ko: [], su: ['no'] } }),
  code: 'headers-unknown',
  exit: 22,
  says: ['/proc/config.gz cannot be read', 'su: not installed', '--root=su'],
});

testFailure({
  name: 'a kernel that must not be read',
  server: one({ probe: { ...live('yes'), version: ['Linux version 6.3.1-x (a) #1'] } }),
  code: 'read-hazard',
  exit: 25,
  says: ['6.3.1-x', 'next: kheaders import FILE'],
});

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
