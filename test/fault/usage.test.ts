import assert from 'node:assert/strict';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { startScriptedServer } from '../support/adb-server-script.js';
import { listPublished, makeHost, parseJsonLines, runCli } from '../support/run-cli.js';
import { testFailure } from './support/expect-failure.js';
import { archive, phone, release } from './support/phone-script.js';

for (const [args, ...says] of [
  [[]],
  [['frob'], 'frob'],
  [['pull', 'extra'], 'extra'],
  [['pull', '--bogus'], 'bogus'],
  [['pull', '-s'], /Not enough arguments/],
  [['pull', '-s', 'a', '-t', '1'], 'Only one of -s, -t, -d and -e'],
  [['pull', '-d', '-e'], 'Only one of'],
  [['pull', '--all', '-s', 'a'], 'mutually exclusive'],
  [['pull', '--root', 'please'], 'please'],
  [['pull', '--root', 'none', '--root', 'su'], 'root'],
  [['pull', '-s', 'a', '-s', 'b'], 'serial'],
  [['pull', '--source', 'air'], 'air'],
  [['pull', '--timeout', '0'], '--timeout takes seconds'],
  [['pull', '--timeout', 'soon'], '--timeout takes seconds'],
  [['pull', '--wait=soon'], '--wait takes seconds', 'Given: soon'],
  [['pull', '-P', '99999'], '-P is not a port number'],
  [['pull', '-H', 'h', '-L', 'tcp:1'], '-L cannot be combined'],
  [['pull', '-L', 'bluetooth:1'], 'not a socket specification'],
  [['path', 'a/b'], 'Given: a/b'],
  [['path', '../../etc'], 'Given: ../../etc'],
  [['path', `${release}@xyz`], 'hex digits'],
  [['prune'], '--keep'],
  [['prune', '--older-than', 'x'], 'Given: x'],
  [['prune', '--max-size', '-1'], '--max-size'],
  [['import', '/nonexistent/file'], 'File: /nonexistent/file (ENOENT)'],
  [['remove'], /Not enough non-option arguments/],
] as readonly [readonly string[], ...(string | RegExp)[]][]) {
  testFailure({
    name: 'that command line',
    args,
    code: 'usage',
    exit: 2,
    says: [...says, 'next: kheaders --help'],
  });
}

for (const args of [
  ['path'],
  ['path', '6.1'],
  ['show'],
  ['export', '6.1', 'x'],
  ['remove', '6.1'],
  ['verify', '6.1'],
]) {
  testFailure({
    name: 'an empty cache',
    args,
    code: 'not-cached',
    exit: 42,
    says: ['The cache is empty', 'next: kheaders pull', 'kheaders list'],
  });
}

test('kheaders: bad variables of the environment are usage errors', async (t) => {
  const host = await makeHost(t, 1);
  for (const env of [{ ADB_SERVER_SOCKET: 'frob:1' }, { ANDROID_ADB_SERVER_PORT: 'x' }]) {
    const { code, stderr } = await runCli(t, host, ['pull'], { env });
    assert.equal(code, 2, stderr);
    assert.ok(stderr.includes(Object.keys(env)[0] ?? ''), stderr);
  }
});

test('kheaders --version and --help answer on standard output, and need nothing', async (t) => {
  const host = await makeHost(t, 1);
  const version = await runCli(t, host, ['--version']);
  assert.equal(version.code, 0, version.stderr);
  assert.match(version.stdout, /^\d+\.\d+\.\d+\S*\n$/);
  for (const args of [
    ['--help'],
    ...['pull', 'devices', 'list', 'show', 'path', 'verify', 'remove', 'prune', 'cache', 'import', 'export'].map(
      (name) => [name, '--help'],
    ),
  ]) {
    const { code, stdout, stderr } = await runCli(t, host, args);
    assert.deepEqual([code, stderr], [0, ''], args.join(' '));
    assert.match(stdout, args.length === 1 ? /Commands:/ : new RegExp(`Examples:\\s+kheaders ${args[0] ?? ''}`));
  }
});

test('kheaders verify: a damaged entry is cache-corrupt, exit 33, and --repair mends it', async (t) => {
  const server = await startScriptedServer(t, { devices: [phone()] });
  const host = await makeHost(t, server.port);
  const pulled = await runCli(t, host, ['pull']);
  assert.equal(pulled.code, 0, pulled.stderr);
  const header = join(pulled.stdout.trim(), 'include/linux/kconfig.h');
  const before = await readFile(header, 'utf8');
  await chmod(header, 0o600);
  await writeFile(header, 'changed');

  const shown = await runCli(t, host, ['verify']);
  assert.equal(shown.code, 33, shown.stderr);
  assert.match(shown.stdout, /^damaged\t/);
  assert.match(
    shown.stderr,
    /include\/linux\/kconfig\.h\n(.*\n)*kheaders: 1 of 1 entries are damaged \[cache-corrupt\]/,
  );
  const mirrored = await runCli(t, host, ['verify', '--json']);
  const [entry, failure] = parseJsonLines(mirrored.stdout);
  assert.equal(mirrored.code, 33);
  assert.deepEqual([entry?.['ok'], (failure?.['error'] as { code: string }).code], [false, 'cache-corrupt']);

  const repaired = await runCli(t, host, ['verify', '--repair']);
  assert.equal(repaired.code, 0, repaired.stderr);
  assert.match(repaired.stdout, /^repaired\t/);
  assert.equal(await readFile(header, 'utf8'), before);
  assert.equal((await listPublished(host)).length, 1);
});

test('kheaders import: an archive that is damaged is refused as a pulled one is', async (t) => {
  const host = await makeHost(t, 1);
  const path = join(host.cache, '..', 'kheaders.tar.xz');
  await writeFile(path, archive.subarray(0, -1));
  const { code, stderr } = await runCli(t, host, ['import', path]);
  assert.equal(code, 30, stderr);
  await writeFile(path, archive);
  const good = await runCli(t, host, ['import', path]);
  assert.equal(good.code, 0, good.stderr);
  assert.equal((await listPublished(host)).length, 1);
});
