import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startScriptedServer } from '../support/adb-server-script.js';
import { type Member, compressXz, directory, file, makeTar, smallTree, symlink } from '../support/archives.js';
import { listPublished, makeHost, parseJsonLines, runCli } from '../support/run-cli.js';
import { makeModule } from '../support/session.js';
import { testFailure } from './support/expect-failure.js';
import {
  type PhoneScript,
  archive,
  headerText,
  livePath,
  phone,
  release,
  sendArchive,
  sendRefusal,
} from './support/phone-script.js';

const one = (script: PhoneScript) => ({ devices: [phone(script)] });
const sending = (bytes: Buffer, size?: number) => one({ onTransfer: (shell) => sendArchive(shell, bytes, size) });
const packed = (...members: readonly Member[]) => sending(compressXz(makeTar([...smallTree, ...members])));

function flipped(at: number): Buffer {
  const copy = Buffer.from(archive);
  copy.writeUInt8(copy.readUInt8(at) ^ 0x10, at);
  return copy;
}

for (const [name, bytes, reason] of [
  ['junk', Buffer.alloc(5000, 'junk'), 'not-xz'],
  ['cut, honestly', archive.subarray(0, -40), 'truncated'],
  ['cut in its last byte, honestly', archive.subarray(0, -1), 'truncated'],
  ['with one bit flipped', flipped(archive.length >> 1), 'damaged'],
  ['with junk behind it', Buffer.concat([archive, Buffer.from('junk')]), undefined],
  ['of an unfinished tar', compressXz(makeTar(smallTree).subarray(0, 1100)), undefined],
] as const) {
  testFailure({
    name: `an archive ${name}`,
    args: ['pull', '--source', 'module'],
    server: sending(bytes),
    code: 'archive-corrupt',
    exit: 30,
    says: ['PHONE1', 'Nothing was published'],
    details: { serial: 'PHONE1', ...(reason && { reason }) },
  });
}

testFailure({
  name: 'an archive that ends early, again and again',
  args: ['pull', '--source', 'module'],
  server: sending(archive.subarray(0, -1), archive.length),
  code: 'archive-corrupt',
  exit: 30,
  says: [
    'warning: PHONE1: The archive vanished while it was read; asking again',
    `Expected ${archive.length}, got ${archive.length - 1}`,
  ],
  details: { reason: 'short' },
});

for (const [reason, ...members] of [
  ['parent-path', file('../evil.h')],
  ['parent-path', file('include/../../evil.h')],
  ['absolute-path', file('/etc/evil.h')],
  ['control-character', file('include/\x1b[31mred.h')],
  ['duplicate', file('include/linux/kconfig.h')],
  ['below-file', file('include/linux/kconfig.h/x.h')],
  ['hard-link', { path: 'include/hard.h', flag: '1', linkTarget: 'include/linux/kconfig.h' }],
  ['entry-kind', { path: 'include/dev', flag: '3' }],
  ['symlink-escape', symlink('include/out', '../../../../etc/passwd')],
  ['symlink-absolute', symlink('include/out', '/etc/passwd')],
  ['symlink-dangling', symlink('include/nowhere', 'missing.h')],
  [
    'path-length',
    file(`include/${'d/'.repeat(40)}x`.padEnd(99, 'x')),
    { path: 'x'.repeat(99), flag: 'L', content: 'y/'.repeat(600) },
    file('z'),
  ],
] as readonly [string, ...Member[]][]) {
  testFailure({
    name: `an archive with ${JSON.stringify(members[0]?.path.slice(0, 30))} (${reason})`,
    args: ['pull', '--source', 'module'],
    server: packed(...members),
    code: 'archive-refused',
    exit: 31,
    says: ['PHONE1', `Reason: ${reason}`, 'Entry: ', 'Nothing was published'],
    details: { serial: 'PHONE1', reason },
  });
}

testFailure({
  name: 'an archive of symlinks to nowhere',
  args: ['pull', '--source', 'module'],
  server: sending(
    compressXz(
      makeTar([
        directory('./'),
        ...Array.from({ length: 40 }, (_, n) => symlink(`./include/h${n}.h`, `/build/sandbox/h${n}.h`)),
      ]),
    ),
  ),
  code: 'archive-refused',
  exit: 31,
  says: ['links instead of headers', 'Bazel'],
  details: { reason: 'symlink-archive' },
});

testFailure({
  name: 'an archive without headers',
  args: ['pull', '--source', 'module'],
  server: sending(compressXz(makeTar([file('README')]))),
  code: 'archive-refused',
  exit: 31,
  says: ['holds no kernel headers'],
  details: { reason: 'no-headers' },
});

testFailure({
  name: 'headers of another kernel',
  args: ['pull', '--source', 'module'],
  server: one({ probe: { version: ['Linux version 6.1.26-other (a@b) #1'] } }),
  code: 'release-mismatch',
  exit: 32,
  says: [`The phone runs 6.1.26-other, the headers are of ${release}`, 'next: adb -s PHONE1 shell uname -r'],
  details: { expected: '6.1.26-other', actual: release, serial: 'PHONE1' },
});

testFailure({
  name: 'a kheaders.ko of another kernel, carved',
  args: ['pull', '--no-load'],
  server: sending(makeModule(archive, '6.1.26-other')),
  code: 'module-refused',
  exit: 23,
  says: ['built for another kernel'],
  details: { reason: 'vermagic', actual: '6.1.26-other' },
});

test('kheaders pull: junk ends the pull although the phone stalls and would send more', async (t) => {
  const server = await startScriptedServer(
    t,
    one({
      onTransfer(shell) {
        shell.stdout(headerText({ size: '1000000' }));
        shell.stdout(Buffer.alloc(100_000, 'junk'));
      },
    }),
  );
  const host = await makeHost(t, server.port);
  const { code, stderr } = await runCli(t, host, ['pull', '--source', 'module']);
  assert.equal(code, 30, stderr);
  assert.deepEqual(await listPublished(host), []);
});

test('kheaders pull: a refused load is said, the archive carved, and the manifest tells', async (t) => {
  const module = makeModule(archive, release);
  const server = await startScriptedServer(
    t,
    one({
      onTransfer(shell) {
        if (shell.command.includes('insmod')) {
          sendRefusal(shell, 'load', 'insmod: failed to load x: Permission denied');
          return;
        }
        shell.stdout(headerText({ loaded: 'no', size: String(module.length) }));
        shell.stdout(module);
        shell.exit();
      },
    }),
  );
  const host = await makeHost(t, server.port);
  const { code, stdout, stderr } = await runCli(t, host, ['pull', '--json']);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^warning: PHONE1: .*\(EACCES\); trying the next source: carve\n$/);
  const [result] = parseJsonLines(stdout);
  assert.equal((result?.['source'] as { kind: string }).kind, 'carve');
  assert.equal((await listPublished(host)).length, 1);
});

test('kheaders pull: an archive that vanishes once is fetched in the second round', async (t) => {
  let round = 0;
  const server = await startScriptedServer(
    t,
    one({
      probe: { ko: [], live: [`yes ${livePath}`] },
      onTransfer(shell) {
        round += 1;
        if (round === 1) sendRefusal(shell, 'read', `cat: ${livePath}: No such file or directory`);
        else sendArchive(shell);
      },
    }),
  );
  const host = await makeHost(t, server.port);
  const { code, stdout, stderr } = await runCli(t, host, ['pull']);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^warning: PHONE1: The archive vanished/);
  assert.deepEqual(await listPublished(host), [/kernels\/(.*)\/headers\n$/.exec(stdout)?.[1]]);
});

test('kheaders pull: the second one answers from the cache and opens no transfer', async (t) => {
  let transfers = 0;
  const server = await startScriptedServer(t, one({ onTransfer: (shell) => ((transfers += 1), sendArchive(shell)) }));
  const host = await makeHost(t, server.port);
  const first = await runCli(t, host, ['pull']);
  const second = await runCli(t, host, ['pull']);
  assert.deepEqual([first.code, second.code, second.stdout, transfers], [0, 0, first.stdout, 1]);
});
