import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ServerFlags,
  formatServerAddress,
  isLoopback,
  parseServerAddress,
} from '../../../../host/src/adb/server-address.js';

const tcp = (host: string, port: number) => ({ kind: 'tcp', host, port }) as const;
const everything = {
  ADB_SERVER_SOCKET: 'tcp:socket:1',
  ANDROID_ADB_SERVER_ADDRESS: 'address',
  ANDROID_ADB_SERVER_PORT: '2',
};

test('parseServerAddress: flags silence the environment, the socket variable the other two', () => {
  const table: readonly (readonly [ServerFlags, NodeJS.ProcessEnv, ReturnType<typeof tcp>])[] = [
    [{ socket: 'tcp:flag:9' }, everything, tcp('flag', 9)],
    [{ host: 'flag' }, everything, tcp('flag', 5037)],
    [{ port: 9 }, everything, tcp('localhost', 9)],
    [{ host: 'flag', port: 9 }, everything, tcp('flag', 9)],
    [{}, everything, tcp('socket', 1)],
    [{}, { ...everything, ADB_SERVER_SOCKET: '' }, tcp('address', 2)],
    [{}, { ANDROID_ADB_SERVER_ADDRESS: 'address' }, tcp('address', 5037)],
    [{}, { ANDROID_ADB_SERVER_PORT: '2' }, tcp('localhost', 2)],
    [{}, { ANDROID_ADB_SERVER_ADDRESS: '', ANDROID_ADB_SERVER_PORT: '' }, tcp('localhost', 5037)],
    [{}, {}, tcp('localhost', 5037)],
  ];
  for (const [flags, env, expected] of table) {
    assert.deepEqual(parseServerAddress(flags, env), expected, JSON.stringify([flags, env]));
  }
});

test('parseServerAddress reads every form adb has', () => {
  const parse = (socket: string) => parseServerAddress({ socket }, {});
  assert.deepEqual(parse('tcp:5038'), tcp('localhost', 5038));
  assert.deepEqual(parse('tcp:10.0.0.1:5038'), tcp('10.0.0.1', 5038));
  assert.deepEqual(parse('tcp:[::1]:5038'), tcp('::1', 5038));
  assert.deepEqual(parse('localfilesystem:/run/adb socket'), { kind: 'local', path: '/run/adb socket' });
  assert.deepEqual(parse('localabstract:adb:x'), { kind: 'local', path: '\0adb:x' });
});

test('parseServerAddress refuses what is no address', () => {
  for (const socket of [
    '',
    'tcp:',
    'tcp:host',
    'tcp:host:',
    'tcp:0',
    'tcp:host:65536',
    'localfilesystem:',
    'vsock:1:2',
    'x',
  ]) {
    assert.throws(() => parseServerAddress({ socket }, {}), { code: 'usage' }, socket);
    if (socket !== '')
      assert.throws(() => parseServerAddress({}, { ADB_SERVER_SOCKET: socket }), { code: 'usage' }, socket);
  }
  for (const port of [0, -1, 65536, 1.5, NaN]) assert.throws(() => parseServerAddress({ port }, {}), { code: 'usage' });
  assert.throws(() => parseServerAddress({}, { ANDROID_ADB_SERVER_PORT: 'abc' }), { code: 'usage' });
  for (const flags of [{ host: 'h' }, { port: 1 }]) {
    assert.throws(() => parseServerAddress({ socket: 'tcp:1', ...flags }, {}), { code: 'usage' });
  }
});

test('isLoopback is true for this very machine only', () => {
  for (const host of ['localhost', '127.0.0.1', '127.1.2.3', '::1']) assert.ok(isLoopback(tcp(host, 1)), host);
  for (const host of ['localhost.evil', '127.0.0.1.evil', '128.0.0.1', '0.0.0.0', '10.0.0.1', 'host', '']) {
    assert.equal(isLoopback(tcp(host, 1)), false, host);
  }
  assert.ok(isLoopback({ kind: 'local', path: '/run/adb' }));
});

test('formatServerAddress is the reverse of parseServerAddress', () => {
  for (const socket of ['tcp:localhost:5037', 'tcp:[::1]:5037', 'localfilesystem:/run/adb', 'localabstract:adb']) {
    assert.equal(formatServerAddress(parseServerAddress({ socket }, {})), socket);
  }
});
