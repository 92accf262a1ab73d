import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { findClosedPort, startScriptedServer } from '../support/adb-server-script.js';
import { type CliHost, assertCacheEmpty, makeHost, runCli } from '../support/run-cli.js';
import { testFailure } from './support/expect-failure.js';
import { phone } from './support/phone-script.js';

/** An adb program that notes how it was called and fails. */
async function makeAdbProgram({ env }: CliHost): Promise<void> {
  const path = env['ADB'] ?? '';
  await writeFile(path, '#!/bin/sh\necho "$@" >>"$0.calls"\necho "cannot bind: no luck" >&2\nexit 1\n');
  await chmod(path, 0o755);
}

testFailure({
  name: 'no server on this machine and no adb program',
  code: 'tool-missing',
  exit: 12,
  says: [/no-adb-program/, 'next: apt install adb', 'export ADB='],
});

testFailure({
  name: '$ADB is a file that cannot be run',
  prepare: async ({ env }) => writeFile(env['ADB'] ?? '', 'not a program'),
  code: 'tool-missing',
  exit: 12,
  says: [/no-adb-program/],
});

testFailure({
  name: 'no server on this machine and adb cannot start one',
  prepare: makeAdbProgram,
  code: 'adb-unreachable',
  exit: 10,
  says: ['It said: cannot bind: no luck', 'next: adb start-server'],
  details: { reason: 'ECONNREFUSED' },
});

test('kheaders pull: a server is started on this machine only, by start-server at that very address', async (t) => {
  const port = await findClosedPort();
  const host = await makeHost(t, port);
  await makeAdbProgram(host);
  const calls = `${host.env['ADB'] ?? ''}.calls`;

  // 0.0.0.0 reaches this machine, but is not a name for it: it stands for a remote server that refuses.
  const remote = await runCli(t, host, ['pull', '-H', '0.0.0.0', '-P', String(port)]);
  assert.equal(remote.code, 10, remote.stderr);
  assert.match(remote.stderr, /\[adb-unreachable\]\n {2}Reason: ECONNREFUSED\n/);
  assert.equal(existsSync(calls), false);

  assert.equal((await runCli(t, host, ['pull'])).code, 10);
  assert.equal(await readFile(calls, 'utf8'), `-L tcp:localhost:${port} start-server\n`);
  await assertCacheEmpty(host);
});

testFailure({
  name: 'a server that cannot be found',
  args: ['pull', '-H', 'kheaders.invalid'],
  code: 'adb-unreachable',
  exit: 10,
  says: ['tcp:kheaders.invalid:5037', 'never on another'],
});

testFailure({
  name: 'a server that answers garbage',
  server: { intercept: (_request, wire) => (wire.send('HTTP/1.1 400 Bad Request\r\n\r\n'), wire.end(), true) },
  code: 'adb-protocol',
  exit: 11,
  says: ['It said: HTTP', 'next: adb version'],
});

testFailure({
  name: 'a server that hangs up',
  server: { intercept: (_request, wire) => (wire.end(), true) },
  code: 'device-lost',
  exit: 7,
  says: [],
});

testFailure({
  name: 'a server that breaks off its answer',
  server: { intercept: (_request, wire) => (wire.okay(), wire.send('00ffPHONE1'), wire.end(), true) },
  code: 'adb-protocol',
  exit: 11,
  says: ['broke off its answer'],
});

for (const [name, answer] of [
  ['does not answer', undefined],
  ['accepts, then says no more', 'OKAY'],
  ['stalls in the middle of its answer', 'OKAY00ffPHONE1'],
] as const) {
  testFailure({
    name: `a server that ${name}, with --timeout`,
    args: ['pull', '--timeout', '0.5'],
    server: { intercept: (_request, wire) => (answer === undefined || wire.send(answer), true) },
    code: 'timeout',
    exit: 50,
    says: ['Not done within 0.5 s', '--timeout 600'],
    details: { milliseconds: 500 },
  });
}

testFailure({
  name: 'no device',
  server: { devices: [] },
  code: 'no-device',
  exit: 3,
  says: ['adb sees no device at all', 'next: adb devices -l', 'kheaders pull --wait'],
  details: { choices: [] },
});

testFailure({
  name: 'a serial that is not attached',
  args: ['pull', '-s', 'other one'],
  server: { devices: [phone()] },
  code: 'no-device',
  exit: 3,
  says: ['"other one"', 'Attached: PHONE1 (device)'],
});

testFailure({
  name: 'a device that never comes',
  args: ['pull', '--wait=0.3'],
  server: { devices: [] },
  code: 'no-device',
  exit: 3,
  says: ['adb devices -l'],
});

testFailure({
  name: 'several devices',
  server: { devices: [phone(), phone({}, 'PHONE2', 2)] },
  code: 'ambiguous-device',
  exit: 4,
  says: ['PHONE1 (device), PHONE2 (device)', 'next: kheaders pull -s SERIAL', 'kheaders pull --all'],
});

for (const [state, code, exit, says] of [
  ['unauthorized', 'device-unauthorized', 5, /confirm the dialog.*ADB_VENDOR_KEYS/],
  ['authorizing', 'device-unauthorized', 5, /confirm the dialog/],
  [
    'no permissions (user in plugdev group); see [http://developer.android.com/tools/device.html]',
    'device-unauthorized',
    5,
    /udev/,
  ],
  ['offline', 'device-offline', 6, /adb says: offline/],
  ['recovery', 'device-offline', 6, /adb says: recovery/],
] as const) {
  testFailure({
    name: `a device that is "${state.slice(0, 20)}"`,
    server: { devices: [{ serial: 'PHONE1', state, transportId: 1 }] },
    code,
    exit,
    says: [says, 'PHONE1', 'next: adb -s PHONE1 reconnect', 'kheaders pull -s PHONE1 --wait'],
    details: { serial: 'PHONE1' },
  });
}

for (const [refusal, code, exit] of [
  ["device unauthorized.\nThis adb server's $ADB_VENDOR_KEYS is not set", 'device-unauthorized', 5],
  ['device offline', 'device-offline', 6],
  ['device still authorizing', 'device-offline', 6],
  ["no device with transport id '1'", 'no-device', 3],
  ['closed', 'device-failed', 8],
] as const) {
  testFailure({
    name: `a server that says "${refusal.slice(0, 24)}" when the device is opened`,
    server: { devices: [{ serial: 'PHONE1', transportId: 1, refusal }] },
    code,
    exit,
    says: ['PHONE1'],
    details: { serial: 'PHONE1', output: refusal },
  });
}

testFailure({
  name: 'hostile texts of the server',
  server: { devices: [{ serial: '\x1b[31mX\u202e', state: '\x9bstate', transportId: 1 }] },
  code: 'device-offline',
  exit: 6,
  says: ['\\x1b[31mX\\u{202e}', '\\x9bstate'],
});

testFailure({
  name: 'a cache that cannot be written to',
  args: ['pull'],
  server: { devices: [phone()] },
  prepare: async ({ cache }) => writeFile(join(dirname(cache), 'file'), ''),
  env: { KHEADERS_CACHE: 'host/package.json/cache' },
  code: 'cache-unwritable',
  exit: 40,
  says: ['Reason: ENOTDIR', 'next: kheaders pull --cache DIR', 'KHEADERS_CACHE=DIR'],
});

test('kheaders pull --wait: a device that comes late is taken', async (t) => {
  let asked = 0;
  const devices = () => ((asked += 1) < 3 ? [] : [phone()]);
  const server = await startScriptedServer(t, { devices });
  const host = await makeHost(t, server.port);
  const { code, stdout, stderr } = await runCli(t, host, ['pull', '--wait']);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /\/headers\n$/);
});
