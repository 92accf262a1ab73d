import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startScriptedServer } from '../support/adb-server-script.js';
import { assertCacheEmpty, listPublished, makeHost, parseJsonLines, runCli, startCli } from '../support/run-cli.js';
import { testFailure } from './support/expect-failure.js';
import { headerText, phone } from './support/phone-script.js';

const lost = phone({ onProbe: (shell) => shell.cut() }, 'LOST', 2);
const noRoot = phone(
  { probe: { su: ['no'], fingerprint: ['other'], ko: ['no /vendor/lib/modules/kheaders.ko'], '': [] } },
  'NOROOT',
  3,
);
const refused = { serial: 'REFUSED', state: 'unauthorized', transportId: 4 };
const devices = [lost, phone(), noRoot, refused, phone({}, 'TWIN', 5)];

test('kheaders pull --all: the good ones are printed, the bad ones told, exit 60', async (t) => {
  const server = await startScriptedServer(t, { devices });
  const host = await makeHost(t, server.port);
  const { code, stdout, stderr } = await runCli(t, host, ['pull', '--all']);
  assert.equal(code, 60, stderr);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'));
  assert.deepEqual(
    lines.map(([serial]) => serial),
    ['PHONE1', 'TWIN'],
  );
  assert.equal(new Set(lines.map(([, path]) => path)).size, 1);
  assert.match(stderr, /^warning: REFUSED: Skipped, it is in state "unauthorized"$/m);
  assert.match(stderr, /^kheaders: .*LOST.*\[device-lost\]$/m);
  assert.match(stderr, /^kheaders: .*NOROOT.*\[not-root\]$/m);
  assert.match(stderr, /^kheaders: 2 of 4 devices failed \[several-failed\]$/m);
  assert.equal((await listPublished(host)).length, 1);
});

test('kheaders pull --all --json: one object for each device, then the failure of all', async (t) => {
  const server = await startScriptedServer(t, { devices });
  const host = await makeHost(t, server.port);
  const { code, stdout, stderr } = await runCli(t, host, ['pull', '--all', '--json']);
  assert.equal(code, 60, stderr);
  const shown = parseJsonLines(stdout).map(({ ok, serial, how, error }) => [
    serial,
    ok,
    how ?? (error as { code: string; exitCode: number }).code,
  ]);
  assert.deepEqual(
    shown.slice(0, 3),
    [
      ['LOST', false, 'device-lost'],
      ['PHONE1', true, 'fetched'],
      ['NOROOT', false, 'not-root'],
    ].map((row) => (row[0] === 'PHONE1' && shown[1]?.[2] === 'shared' ? ['PHONE1', true, 'shared'] : row)),
  );
  assert.deepEqual(shown.slice(4), [[undefined, false, 'several-failed']]);
  const hows = shown.filter(([, ok]) => ok).map(([, , how]) => how);
  assert.deepEqual([...hows].sort(), ['fetched', 'shared']);
});

testFailure({
  name: 'no device is ready',
  args: ['pull', '--all'],
  server: { devices: [refused, { serial: 'B', state: 'offline' }] },
  code: 'no-device',
  exit: 3,
  says: ['REFUSED (unauthorized), B (offline)'],
});

test('kheaders pull --all, cancelled: every phone’s staging is cleaned up', async (t) => {
  const stalling = (serial: string, id: number) =>
    phone(
      { probe: { fingerprint: [serial], '': [] }, onTransfer: (shell) => shell.stdout(`${headerText()}begin`) },
      serial,
      id,
    );
  const server = await startScriptedServer(t, { devices: [1, 2, 3, 4].map((id) => stalling(`STALLS${id}`, id)) });
  const host = await makeHost(t, server.port);
  const running = startCli(t, host, ['pull', '--all', '--verbose', '--source', 'module']);
  await Promise.all([1, 2, 3, 4].map((id) => running.saw(new RegExp(`STALLS${id}: reading the archive`))));
  running.kill('SIGINT');
  const { code, stderr } = await running.ended;
  assert.equal(code, 130, stderr);
  await assertCacheEmpty(host);
});

test('kheaders devices: each device with what a pull would do; one that does not answer with its error', async (t) => {
  const server = await startScriptedServer(t, { devices });
  const host = await makeHost(t, server.port);
  const { code, stdout, stderr } = await runCli(t, host, ['devices', '--json']);
  assert.equal(code, 0, stderr);
  const shown = parseJsonLines(stdout).map(({ serial, ok, state, source, needsRoot, error }) => ({
    serial,
    ok,
    state,
    source,
    needsRoot,
    code: (error as { code?: string } | undefined)?.code,
  }));
  const ready = { ok: true, state: 'device', source: 'module', needsRoot: true, code: undefined };
  assert.deepEqual(shown, [
    { serial: 'LOST', ok: false, state: 'device', source: undefined, needsRoot: undefined, code: 'device-lost' },
    { serial: 'PHONE1', ...ready },
    { serial: 'NOROOT', ...ready },
    { serial: 'REFUSED', ok: true, state: 'unauthorized', source: undefined, needsRoot: undefined, code: undefined },
    { serial: 'TWIN', ...ready },
  ]);
  await assertCacheEmpty(host);
});
