import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { constants, release } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from '../support/temp.js';
import { type Abi, findRunner, ownAbi } from './run-entry.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { errno } = constants;

/** What uname calls the machine of an ABI. */
const machines: Readonly<Record<Abi, RegExp>> = {
  'arm64-v8a': /^aarch64$/,
  'armeabi-v7a': /^armv7/,
  riscv64: /^riscv64$/,
  x86_64: /^x86_64$/,
};

for (const abi of Object.keys(machines) as Abi[]) {
  const runner = await findRunner(abi);
  const isOwn = abi === ownAbi;
  describe(`native, ${abi}`, { skip: runner === undefined && `this machine has no qemu-user for ${abi}` }, () => {
    const name = `test-native-${abi}`;
    const command = [...(runner ?? []), join(root, 'device-agent/dist', name)];
    before(() => {
      const entry = join(root, 'device-agent/test/native-entry.ts');
      const args = ['--abi', abi, '--entry', entry, '--name', name];
      const { status, stderr } = spawnSync(join(root, 'scripts/build-agent'), args, { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
    });
    const start = (args: readonly string[]) => spawn(command[0]!, [...command.slice(1), ...args]);
    const run = (...args: readonly string[]) =>
      spawnSync(command[0]!, [...command.slice(1), ...args], { encoding: 'utf8', timeout: 60_000 });
    const ask = (...args: readonly string[]): any => {
      const { status, stdout, stderr } = run(...args);
      assert.deepEqual([status, stderr], [0, '']);
      return JSON.parse(stdout);
    };

    test('the program knows its arguments, itself and the machine', async (t) => {
      const uptime = async () => Number((await readFile('/proc/uptime', 'utf8')).split(' ')[0]) * 1000;
      const earlier = await uptime();
      const child = start(['identity', 'one', '', 'zwölf €']);
      t.after(() => child.kill());
      const [line] = await once(createInterface(child.stdout), 'line');
      const { pid, uid, uname, boot, args } = JSON.parse(String(line));
      assert.deepEqual(args, ['identity', 'one', '', 'zwölf €']);
      assert.deepEqual([pid, uid, uname[0]], [child.pid, process.getuid?.(), release()]);
      assert.match(uname[1], machines[abi]);
      // /proc/uptime has hundredths of a second.
      assert.ok(earlier <= Number(boot) + 10 && Number(boot) <= (await uptime()) + 10, `${earlier} ${boot}`);
    });

    test('the constants are those of Linux', () => {
      const found = ask('constants');
      const names = ['EPERM', 'ENOENT', 'EINTR', 'EAGAIN', 'EACCES', 'EBUSY', 'EEXIST', 'EINVAL', 'EPIPE'] as const;
      for (const name of [...names, 'EADDRINUSE', 'ECONNREFUSED'] as const)
        assert.equal(found[name], errno[name], name);
      // asm/fcntl.h: arm and arm64 have their own O_NOFOLLOW.
      const noFollow = abi.startsWith('arm') ? 0o100000 : 0o400000;
      assert.deepEqual([found.O_NONBLOCK, found.O_CLOEXEC, found.O_NOFOLLOW], [0o4000, 0o2000000, noFollow]);
      assert.equal(found.isAligned, true);
    });

    test('sha256 agrees with node:crypto', () => {
      const sizes = [0, 1, 55, 56, 63, 64, 65, 1000, 1e6];
      const expected = sizes.map((size) => digest(Uint8Array.from({ length: size }, (_, at) => at % 251)));
      assert.deepEqual(ask('sha256', ...sizes.map(String)), expected);
    });

    test('listen, connect, accept and peerCredentials, by path and in the abstract namespace', async (t) => {
      const path = join(await temporaryDirectory(t), 'socket');
      const found = ask('sockets', path, `@${path}`);
      for (const [kind, refused] of [
        ['path', -errno.ENOENT],
        ['abstract', -errno.ECONNREFUSED],
      ] as const) {
        const { peers, ...others } = found[kind];
        const [nobody, empty, again] = [-errno.EAGAIN, -errno.EAGAIN, -errno.EADDRINUSE];
        assert.deepEqual(others, { refused, nobody, again, empty, echoed: '010203' }, kind);
        assert.deepEqual(peers[0], peers[1]);
        assert.equal(peers[0][1], process.getuid?.());
      }
    });

    test('socketpair and setNonblock', () => {
      const { on, empty, off, echoed, none } = ask('sockets', '/nowhere/at/all', '@').pair;
      assert.deepEqual(
        { on, empty, off, echoed, none },
        { on: 0, empty: -errno.EAGAIN, off: 0, echoed: '010203', none: -errno.EBADF },
      );
    });

    test('listen and connect refuse names that cannot be', () => {
      const inval = [-errno.EINVAL, -errno.EINVAL];
      assert.deepEqual(ask('badNames', '', 'x'.repeat(109), '@'.repeat(109), 'x'.repeat(5000)), [
        inval,
        inval,
        inval,
        inval,
      ]);
      const missing = ask('badNames', '/nowhere/at/all', `/${'x'.repeat(107)}`);
      assert.deepEqual(missing[0], [-errno.ENOENT, -errno.ENOENT]);
    });

    test('a write to a peer that went away is EPIPE', () => {
      assert.equal(ask('brokenPipe'), -errno.EPIPE);
    });

    test('readFull reads on where one read gives less', async (t) => {
      const child = start(['readFull', '-', '100000']);
      t.after(() => child.kill());
      const line = once(createInterface(child.stdout), 'line');
      const data = Buffer.alloc(100_500, 'abc');
      for (let at = 0; at < data.length; at += 25_125) {
        child.stdin.write(data.subarray(at, at + 25_125));
        await sleep(10);
      }
      assert.deepEqual(JSON.parse(String(await line)), [100_000, digest(data.subarray(0, 100_000))]);
    });

    test('readFull reads files of /proc and /sys whole', async () => {
      // More than a page, and one that never changes.
      for (const path of ['/proc/kallsyms', '/sys/kernel/mm/transparent_hugepage/enabled', '/proc/version']) {
        const data = await readFile(path).catch(() => undefined);
        if (data === undefined) continue;
        assert.deepEqual(ask('readFull', path, String(data.length + 1)), [data.length, digest(data)], path);
      }
      assert.deepEqual(ask('readFull', '/', '10'), [-errno.EISDIR, digest(Buffer.alloc(0))]);
    });

    test('lock is refused while another process holds it', async (t) => {
      const path = join(await temporaryDirectory(t), 'lock');
      await writeFile(path, '');
      assert.deepEqual(ask('tryLock', path), [0, 0]);
      const holder = start(['holdLock', path]);
      t.after(() => holder.kill());
      const exited = once(holder, 'exit');
      const lines = createInterface(holder.stdout)[Symbol.asyncIterator]();
      assert.equal((await lines.next()).value, '{"locked":0}');
      assert.deepEqual(ask('tryLock', path), [-errno.EAGAIN, -errno.EAGAIN]);
      holder.stdin.end();
      assert.equal((await lines.next()).value, '{"unlocked":0}');
      await exited;
      assert.deepEqual(ask('tryLock', path), [0, 0]);
    });

    test('setName renames the process', { skip: !isOwn && 'qemu-user has a process of its own' }, () => {
      assert.equal(ask('setName', 'short'), 'short\n');
      assert.equal(ask('setName', 'x'.repeat(200)), `${'x'.repeat(15)}\n`);
    });

    test('fork and detach make a daemon nobody waits for', (t) => {
      const { parent, child, told } = ask('daemon');
      t.after(() => process.kill(told.pid));
      assert.equal(told.pid, child);
      assert.notEqual(child, parent);
      assert.deepEqual([told.detached, told.again], [0, -errno.EPERM]);
      assert.deepEqual(told.cwd, [true, true, true, true]);
      // One more is that of the folder being read, and the emulator has its own.
      const open = (told.open as string[]).map(Number).filter((fd) => fd > 2 && fd !== told.kept);
      if (isOwn) assert.equal(open.length, 1, JSON.stringify(told.open));
    });

    test('closeOneByOne closes all but those kept', { skip: !isOwn && 'qemu-user has files of its own' }, () => {
      const { open, kept } = ask('closeOneByOne');
      const others = (open as string[]).map(Number).filter((fd) => fd > 2 && fd !== kept);
      // That of the folder being read.
      assert.equal(others.length, 1, JSON.stringify(open));
    });

    test('fork leaves no output to be written twice', () => {
      assert.equal(ask('forkAfterOutput'), 'once');
    });

    test('loadModule and unloadModule answer with errno', () => {
      const [bad, notModule, unknown] = ask('modules');
      // Not everyone may, and a kernel can be without modules.
      const allowed = [-errno.EBADF, -errno.EPERM, -errno.ENOSYS];
      assert.ok(allowed.includes(bad), String(bad));
      assert.ok(notModule < 0);
      assert.ok([...allowed, -errno.ENOENT].includes(unknown), String(unknown));
    });

    test('wrong arguments throw, or are no descriptor', () => {
      const [range, type] = ['RangeError', 'TypeError'];
      assert.deepEqual(ask('badArguments'), [range, range, range, type, range, range]);
      const bad = -errno.EBADF;
      assert.deepEqual(ask('badDescriptors'), [bad, bad, bad]);
    });

    for (const [name, message] of [
      ['throw', /^agent: fatal: TypeError: on purpose\n +at fail \(agent\.js:\d+:\d+\)\n/],
      ['throwInTimer', /^agent: fatal: TypeError: on purpose\n +at fail \(agent\.js:\d+/],
      ['throwInReader', /^agent: fatal: TypeError: on purpose\n/],
      ['throwNull', /^agent: fatal: null\n/],
      ['reject', /^agent: fatal: TypeError: on purpose\n +at fail \(agent\.js:\d+/],
      ['rejectAtOnce', /^agent: fatal: TypeError: on purpose\n/],
      ['rejectInTimer', /^agent: fatal: TypeError: on purpose\n/],
      ['rejectWithoutReason', /^agent: fatal: undefined\n/],
      ['takeAllMemory', /^agent: fatal: InternalError: out of memory\n/],
    ] as const) {
      test(`main exits with 70 on ${name}`, () => {
        const { status, stdout, stderr } = run(name);
        assert.match(stderr, message);
        assert.deepEqual([status, stdout], [70, '']);
      });
    }

    test('main lets a rejected promise be handled late', () => {
      const { status, stdout, stderr } = run('handleLate');
      assert.deepEqual([status, stdout, stderr], [0, 'handled\n', '']);
    });
  });
}

function digest(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
