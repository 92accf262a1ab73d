import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants as flags, openSync, readFileSync } from 'node:fs';
import { access, chmod, copyFile, mkdtemp, readFile, readdir, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  FrameReader,
  type MessageBody,
  archivePaths,
  encodeFrame,
  frameMagic,
  junkLimit,
  protocolVersion,
} from '@kheaders/shared';
import {
  type AgentProcess,
  type Request,
  agentFolder,
  buildAgents,
  eventually,
  expectName,
  greeting,
  isRunning,
  readAgentFiles,
  startAgent,
} from '../support/agent-process.js';
import { askError, ping, readOf, sha256, statOf } from '../support/agent-requests.js';
import { makeModule } from '../support/module-file.js';
import { temporaryDirectory } from '../support/temp.js';
import { type Abi, abis, findRunner, ownAbi } from './run-entry.js';

/** Where the lease daemon writes down what it loaded. */
const statePath = '/dev/.kheaders-lease';
const sizeLimit = 700_000;
const memoryLimit = 3 * 1024;
const nobody = 65_534;
const isRoot = process.getuid?.() === 0;
const notRoot = !isRoot && 'the lease daemon is for root only, and this test does not run as root';
const { ENOENT } = constants.errno;

const status: Request = { name: 'status', body: {} };
const release: Request = { name: 'release', body: {} };
const leaseOf = (paths: readonly string[], body: Partial<MessageBody<'lease'>> = {}): Request => ({
  name: 'lease',
  body: {
    module: 'kh_test',
    release: '9.9.9',
    paths,
    archives: [],
    parameters: '',
    holder: 'a test',
    sole: false,
    ...body,
  },
});

async function writeModule(t: TestContext, bytes = makeModule()): Promise<string> {
  const path = join(await temporaryDirectory(t), 'kheaders.ko');
  await writeFile(path, bytes);
  return path;
}

/** Files in which no vermagic can be found, each for its own reason. */
function makeUnreadable(): readonly Buffer[] {
  const sound = makeModule();
  const changed = (at: number, ...bytes: readonly number[]): Buffer => {
    const copy = Buffer.from(sound);
    copy.set(bytes, at);
    return copy;
  };
  return [
    Buffer.from('\0vermagic=1.2.3 SMP\0'),
    sound.subarray(0, -1),
    sound.subarray(0, 63),
    changed(0, 0),
    changed(4, 3),
    changed(5, 2),
    changed(40, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f),
    changed(58, 40),
    changed(60, 0xff, 0xff),
    changed(62, 9),
    makeModule({ sections: ['.modinfos', '.shstrtab'] }),
    makeModule({ info: ['license=GPL', 'xvermagic=1.2.3'] }),
    makeModule({ info: ['vermagic=1.2.3'.padEnd(2_000_000)] }),
  ];
}

async function askState(agent: AgentProcess): Promise<MessageBody<'state'>> {
  return expectName(await agent.ask(status), 'state');
}

/** Why /dev/kmsg cannot be opened by us; undefined: it can. */
function findLogErrno(): number | undefined {
  try {
    closeSync(openSync('/dev/kmsg', flags.O_RDONLY | flags.O_NONBLOCK));
    return undefined;
  } catch (error) {
    return -((error as NodeJS.ErrnoException).errno ?? 0);
  }
}

/** A program of the base system that connects and prints what comes: Node 20 knows no such names. */
function connectTo(name: string, user: { readonly uid?: number } = {}): ChildProcess {
  const script = `socket(S, AF_UNIX, SOCK_STREAM, 0) && connect(S, sockaddr_un("\\0$ARGV[0]")) or die "connect: $!";
    syswrite(STDOUT, $bytes) while sysread(S, $bytes, 65536);`;
  return spawn('perl', ['-MSocket', '-e', script, name], { stdio: ['ignore', 'pipe', 'inherit'], cwd: '/', ...user });
}

/** No daemon is left, and nothing of it. */
async function assertGone(...pids: readonly number[]): Promise<void> {
  for (const pid of pids) await eventually(`the end of process ${pid}`, async () => !(await isRunning(pid)));
  for (const path of [statePath, `${statePath}.new`]) await assert.rejects(access(path), { code: 'ENOENT' });
}

await buildAgents();

for (const abi of Object.keys(abis) as Abi[]) {
  const runner = await findRunner(abi);
  const isOwn = abi === ownAbi;
  const file = join(agentFolder, abi);
  const { build, agents } = readAgentFiles();

  describe(`the agent, ${abi}`, { skip: runner === undefined && `this machine has no qemu-user for ${abi}` }, () => {
    const command = [...(runner ?? []), file];
    async function greeted(t: TestContext): Promise<AgentProcess> {
      const agent = startAgent(t, command);
      await agent.greet();
      return agent;
    }

    test('the file is small, and is the one agents.json tells of', async () => {
      const bytes = await readFile(file);
      assert.deepEqual({ sha256: sha256(bytes), size: bytes.length }, agents[abi]);
      assert.ok(bytes.length < sizeLimit, `${bytes.length} bytes`);
    });

    test('hello goes both ways, and the end of input is the end', async (t) => {
      const agent = startAgent(t, command);
      assert.deepEqual(await agent.greet(), { protocol: protocolVersion, build, sender: 'agent' });
      agent.hangUp();
      assert.deepEqual(await agent.ended(), { code: 0, signal: null, stderr: '' });
    });

    for (const [what, body] of [
      ['build', { build: `${build.slice(0, -1)}-` }],
      ['protocol', { protocol: protocolVersion + 1 }],
    ] as const) {
      test(`a host of another ${what} is answered by bad-version, and the agent ends`, async (t) => {
        const agent = startAgent(t, command);
        await agent.greet(body);
        const { code, detail } = expectName(await agent.next(0), 'error');
        assert.deepEqual([code, detail], ['bad-version', `this agent speaks ${protocolVersion} and is build ${build}`]);
        assert.equal((await agent.ended()).code, 1);
      });
    }

    test('a request before hello is answered by bad-version', async (t) => {
      const agent = startAgent(t, command);
      agent.write(frameMagic, encodeFrame({ ...ping, id: 9 }));
      assert.equal(expectName(await agent.next(9), 'error').code, 'bad-version');
      assert.equal((await agent.ended()).code, 1);
    });

    test('junk before the magic is passed over, as much as is allowed', async (t) => {
      const junk = Buffer.from('WARNING: linker: kheaders-agen\nkheaders-age').subarray(0, junkLimit);
      const agent = startAgent(t, command);
      agent.write(Buffer.alloc(junkLimit - junk.length, 'x'), junk, greeting());
      assert.equal((await agent.ask(ping)).name, 'done');
      const drowned = startAgent(t, command);
      drowned.write(Buffer.alloc(junkLimit + 1, 'x'));
      assert.equal(expectName(await drowned.next(0), 'hello').sender, 'agent');
      assert.equal(expectName(await drowned.next(0), 'error').code, 'bad-frame');
      assert.equal((await drowned.ended()).code, 1);
    });

    test('a bad frame, and an end inside of one, are errors of the link', async (t) => {
      for (const [bytes, code, hangsUp] of [
        ['00000000fa01000000', 'bad-frame', false],
        ['ffffff7f0b01000000', 'bad-frame', false],
        ['010000000b0100000000', 'bad-message', false],
        ['010000000b010000', 'bad-frame', true],
      ] as const) {
        const agent = await greeted(t);
        agent.write(Buffer.from(bytes, 'hex'));
        if (hangsUp) agent.hangUp();
        assert.equal(expectName(await agent.next(0), 'error').code, code, bytes);
        assert.deepEqual(await agent.ended(), { code: 1, signal: null, stderr: '' }, bytes);
      }
    });

    test('identity says what runs here', async (t) => {
      const kernel = expectName(await (await greeted(t)).ask({ name: 'identity', body: {} }), 'kernel');
      const line = (path: string): string => readFileSync(path, 'utf8').split('\n')[0]!;
      assert.deepEqual(
        [kernel.bootId, kernel.procVersion],
        [line('/proc/sys/kernel/random/boot_id'), line('/proc/version')],
      );
      for (const [path, found] of [
        ['/proc/config.gz', kernel.configSha256],
        ['/sys/kernel/notes', kernel.notesSha256],
      ] as const) {
        const bytes = await readFile(path).catch(() => undefined);
        assert.equal(found, bytes === undefined ? '' : sha256(bytes), path);
      }
      // getprop is Android's.
      assert.deepEqual([kernel.fingerprint, kernel.abi, kernel.vbmeta], ['', '', '']);
    });

    test('find tells of the archives that are there', async (t) => {
      const { live, modules } = expectName(await (await greeted(t)).ask({ name: 'find', body: {} }), 'found');
      const there = await Promise.all(
        archivePaths.map((path) =>
          access(path).then(
            () => true,
            () => false,
          ),
        ),
      );
      assert.deepEqual(
        live.map(({ path }) => path),
        archivePaths.filter((_path, at) => there[at]),
      );
      assert.ok(modules.every(({ path }) => path.includes('/kheaders.ko')));
    });

    test('stat tells size, mode and owner', async (t) => {
      const path = join(await temporaryDirectory(t), 'zwölf €');
      await writeFile(path, 'x'.repeat(12_345), { mode: 0o640 });
      const agent = await greeted(t);
      const { size, mode, uid } = await stat(path);
      assert.deepEqual(expectName(await agent.ask(statOf(path)), 'fileInfo'), { size, mode, uid });
      const missing = `${path}/../no such file`;
      assert.equal((await askError(agent, statOf(`${path}.2`))).errno, ENOENT);
      assert.equal((await askError(agent, statOf(missing))).path, missing);
    });

    test('without a lease there is no archive to read, and nothing to release', async (t) => {
      const agent = await greeted(t);
      assert.equal((await askError(agent, readOf(''))).code, 'bad-order');
      const { unload, detail, after } = expectName(await agent.ask(release), 'released');
      const loaded = await readFile('/proc/modules', 'utf8').catch(() => '');
      const names = loaded.split('\n').flatMap((line) => line.split(' ')[0] || []);
      assert.deepEqual([unload, detail, after], ['none', '', names]);
      assert.equal((await askState(agent)).daemon, 0, 'no daemon is started for that');
    });

    test('requests that make no sense are refused, and the link goes on', async (t) => {
      const agent = await greeted(t);
      for (const request of [
        { name: 'hello', body: { protocol: 1, build, sender: '' } },
        { name: 'join', body: { token: '' } },
        { name: 'done', body: {} },
      ] as const) {
        assert.equal((await askError(agent, request)).code, 'bad-order', request.name);
      }
      const [id] = agent.send({ name: 'cancel', body: { request: 4711 } });
      assert.equal((await agent.next(id!)).name, 'done');
      assert.equal((await agent.ask(ping)).name, 'done');
    });

    test('the log is told, or why not', async (t) => {
      const agent = await greeted(t);
      const errno = findLogErrno();
      const [id] = agent.send({ name: 'log', body: { after: 0, follow: false, fresh: false } });
      const lines = await agent.all(id!);
      const last = lines.at(-1)!;
      if (errno !== undefined) {
        return assert.deepEqual(expectName(last, 'error'), { code: 'io', errno, path: '/dev/kmsg', detail: '' });
      }
      assert.equal(last.name, 'end');
      const sequences = lines.slice(0, -1).map((line) => expectName(line, 'line').sequence);
      assert.deepEqual(
        sequences,
        [...sequences].sort((a, b) => a - b),
      );
      // One that is followed ends when it is cancelled, and is told so.
      const [followed] = agent.send({
        name: 'log',
        body: { after: sequences.at(-1) ?? 0, follow: true, fresh: false },
      });
      assert.equal((await agent.ask({ name: 'cancel', body: { request: followed! } })).name, 'done');
      const end = (await agent.all(followed!)).at(-1)!;
      assert.equal(expectName(end, 'error').code, 'cancelled');
    });

    test('a log that is followed too often is refused', async (t) => {
      if (findLogErrno() !== undefined) return t.skip('this machine does not let us read /dev/kmsg');
      const agent = await greeted(t);
      const after = Number.MAX_SAFE_INTEGER;
      const ids = agent.send(
        ...Array.from({ length: 2000 }, () => ({ name: 'log', body: { after, follow: true, fresh: false } }) as const),
      );
      assert.equal(expectName(await agent.next(ids.at(-1)!), 'error').code, 'bad-order');
      assert.equal((await agent.ask({ name: 'cancel', body: { request: ids[0]! } })).name, 'done');
      assert.equal(expectName(await agent.next(ids[0]!), 'error').code, 'cancelled');
    });

    test('what it says goes by the channel, once its own user has connected', async (t) => {
      const agent = await greeted(t);
      const name = `kheaders-test-${agent.pid}`;
      const channel: Request = { name: 'channel', body: { name } };
      const [id] = agent.send(channel);
      assert.equal((await agent.next(id!)).name, 'done');
      assert.equal((await askError(agent, channel)).code, 'bad-order');
      const { stdout } = connectTo(name);
      assert.equal((await agent.next(id!)).name, 'moved');
      const answer = once(stdout!, 'data');
      const asked = agent.send(statOf('/'), ping);
      const frames = new FrameReader();
      frames.push(Buffer.from(frameMagic));
      const heard: number[] = [];
      for (let [bytes] = (await answer) as [Buffer]; ; [bytes] = (await once(stdout!, 'data')) as [Buffer]) {
        for (const message of frames.push(bytes)) heard.push(message.id);
        if (heard.length === asked.length) break;
      }
      assert.deepEqual(heard.sort(), [...asked].sort());
      assert.deepEqual(agent.takeAll(), []);
      agent.hangUp();
      assert.equal((await agent.ended()).code, 0);
    });

    test('another user is hung up on, and a name that is taken is refused', { skip: notRoot }, async (t) => {
      const [agent, other] = [await greeted(t), await greeted(t)];
      const name = `kheaders-test-${agent.pid}`;
      const channel: Request = { name: 'channel', body: { name } };
      assert.equal((await agent.ask(channel)).name, 'done');
      const taken = await askError(other, channel);
      assert.deepEqual([taken.code, taken.path], ['io', `@${name}`]);
      const stranger = connectTo(name, { uid: nobody });
      const said: Buffer[] = [];
      stranger.stdout!.on('data', (bytes: Buffer) => said.push(bytes));
      assert.deepEqual([...(await once(stranger, 'close')), ...said], [0, null]);
      assert.equal((await agent.ask(ping)).name, 'done');
      agent.hangUp();
      other.hangUp();
    });

    test('who is not root gets no lease, and starts no daemon', async (t) => {
      const folder = await mkdtemp(join(tmpdir(), 'kheaders-test-'));
      t.after(() => rm(folder, { recursive: true }));
      await chmod(folder, 0o755);
      const copies = command.map((path, at) => ({ path, copy: join(folder, String(at)) }));
      for (const { path, copy } of copies) {
        await copyFile(path, copy);
        await chmod(copy, 0o755);
      }
      const uid = isRoot ? nobody : process.getuid?.();
      const agent = startAgent(
        t,
        copies.map(({ copy }) => copy),
        isRoot ? nobody : undefined,
      );
      await agent.greet();
      const error = await askError(agent, leaseOf(['/none.ko']));
      assert.deepEqual(error, { code: 'not-root', errno: 0, path: '', detail: `uid ${uid}` });
      assert.equal(expectName(await agent.ask(release), 'released').unload, 'none');
      assert.equal((await askState(agent)).daemon, 0);
      assert.equal((await agent.ask({ name: 'shutdown', body: {} })).name, 'done');
    });

    describe('with its lease daemon', { skip: notRoot }, () => {
      before(() => assert.rejects(access(statePath), { code: 'ENOENT' }, 'another lease daemon runs here'));
      after(() => assertGone());

      test('a module for another kernel is refused with what was seen', async (t) => {
        const near = await writeModule(t);
        const far = await writeModule(t, makeModule({ bits: 32, before: 3_000_000, info: ['vermagic=4.5.6 preempt'] }));
        const paths = [near, far, join(near, 'kheaders.ko')];
        const agent = await greeted(t);
        const { code, detail } = await askError(agent, leaseOf(paths));
        const texts = ['1.2.3 SMP', '4.5.6 preempt', 'unreadable'];
        const seen = texts.map((text, at) => `${paths[at]} (${text});`);
        assert.deepEqual([code, detail], ['vermagic', seen.join(' ')]);
        assert.equal((await askError(agent, leaseOf(paths, { release: '1.2' }))).code, 'vermagic');
        agent.hangUp();
      });

      test('a file that is no whole module has no vermagic', async (t) => {
        const paths = await Promise.all(makeUnreadable().map((bytes) => writeModule(t, bytes)));
        const agent = await greeted(t);
        const { code, detail } = await askError(agent, leaseOf(paths));
        assert.deepEqual([code, detail], ['vermagic', paths.map((path) => `${path} (unreadable);`).join(' ')]);
        agent.hangUp();
      });

      test('what is no module is refused with errno, and nothing is held', async (t) => {
        const path = await writeModule(t);
        const agent = await greeted(t);
        const { code, errno, path: told } = await askError(agent, leaseOf([path], { release: '1.2.3' }));
        assert.deepEqual([code, told], ['load', path]);
        assert.ok(errno > 0);
        for (const odd of [leaseOf([`${path} `]), leaseOf([path], { module: '../x' }), leaseOf(['kheaders.ko'])]) {
          assert.equal((await askError(agent, odd)).code, 'load');
        }
        const { modules, leases } = await askState(agent);
        assert.deepEqual([modules, leases], [[], []]);
        assert.equal((await askError(agent, readOf(''))).code, 'bad-order');
      });

      test('a file that was sent has no name, is what a lease without paths loads, and is gone then', async (t) => {
        const agent = await greeted(t);
        const module = makeModule();
        const pieces = [module.subarray(0, 50), module.subarray(50, 99), module.subarray(99)];
        const ids = agent.send(...pieces.map((bytes) => ({ name: 'store', body: { bytes } }) as const));
        for (const id of ids) assert.equal((await agent.next(id)).name, 'done');
        const open = async (): Promise<readonly string[]> => {
          const names = await readdir(`/proc/${agent.pid}/fd`);
          const targets = names.map((name) => readlink(`/proc/${agent.pid}/fd/${name}`).catch(() => ''));
          return (await Promise.all(targets)).filter((path) => path.includes('.kheaders-upload-'));
        };
        const targets = await open();
        assert.equal(targets.length, 2);
        for (const path of targets) assert.match(path, / \(deleted\)$/);
        const { code, detail } = await askError(agent, leaseOf([], { sole: true }));
        assert.equal(code, 'vermagic');
        assert.match(detail, new RegExp(`^/proc/${agent.pid}/fd/\\d+ \\(1\\.2\\.3 SMP\\);$`));
        assert.deepEqual(await open(), []);
        const again = await askError(agent, leaseOf([], { sole: true }));
        assert.deepEqual([again.code, again.detail], ['vermagic', '']);
        const [one] = agent.send({ name: 'store', body: { bytes: Buffer.from('x') } });
        assert.equal((await agent.next(one!)).name, 'done');
        const other = await writeModule(t);
        assert.equal((await askError(agent, leaseOf([other]))).detail, `${other} (1.2.3 SMP);`, 'paths go first');
        agent.hangUp();
      });

      test('daemon and guard are there while somebody is, need little, and end by themselves', async (t) => {
        const agent = await greeted(t);
        await askError(agent, leaseOf([]));
        const { daemon, guard, memory, ...state } = await askState(agent);
        assert.equal(state.build, build);
        assert.ok(daemon > 0 && guard > 0 && daemon !== guard && daemon !== agent.pid, `${daemon} ${guard}`);
        for (const pid of [daemon, guard]) assert.ok(await isRunning(pid));
        if (isOwn) {
          const comm = (pid: number): string => readFileSync(`/proc/${pid}/comm`, 'latin1').trim();
          assert.deepEqual([comm(daemon), comm(guard)], ['kheaders-daemon', 'kheaders-guard']);
          assert.ok(memory > 0 && memory < memoryLimit, `${memory} KiB`);
        }
        assert.equal(((await stat(statePath)).mode & 0o777).toString(8), '600');
        const another = await greeted(t);
        assert.equal((await askState(another)).daemon, daemon, 'one for all');
        agent.hangUp();
        another.hangUp();
        assert.equal((await agent.ended()).code, 0);
        await assertGone(daemon, guard);
        assert.equal((await askState(await greeted(t))).daemon, 0);
      });

      test('shutdown ends it at once', async (t) => {
        const agent = await greeted(t);
        await askError(agent, leaseOf([]));
        const { daemon, guard } = await askState(agent);
        assert.equal((await agent.ask({ name: 'shutdown', body: {} })).name, 'done');
        await assertGone(daemon, guard);
        assert.equal((await askState(agent)).daemon, 0);
      });

      test('a question starts no daemon, though one has just ended', async (t) => {
        const [agent, other] = [await greeted(t), await greeted(t)];
        await askError(agent, leaseOf([]));
        const { daemon, guard } = await askState(agent);
        // It has both to read when it goes on: the question first, then that its daemon is gone.
        process.kill(agent.pid, 'SIGSTOP');
        assert.equal((await other.ask({ name: 'shutdown', body: {} })).name, 'done');
        await assertGone(daemon, guard);
        const asked = agent.send(status, { name: 'shutdown', body: {} }, status);
        process.kill(agent.pid, 'SIGCONT');
        assert.equal(expectName(await agent.next(asked[0]!), 'state').daemon, 0);
        assert.equal((await agent.next(asked[1]!)).name, 'done');
        assert.equal(expectName(await agent.next(asked[2]!), 'state').daemon, 0);
      });

      for (const victim of ['daemon', 'guard'] as const) {
        test(`a ${victim} that was killed is replaced, and all end`, async (t) => {
          const agent = await greeted(t);
          await askError(agent, leaseOf([]));
          // One that is so old would end by itself if nobody were there.
          await eventually('its age', async () => (await askState(agent)).milliseconds > 2_500);
          const before = await askState(agent);
          process.kill(before[victim], 'SIGKILL');
          let now = before;
          await eventually(`another ${victim}`, async () => {
            now = await askState(agent);
            return now.guard > 0 && now.daemon > 0 && now[victim] !== before[victim];
          });
          assert.equal(now.daemon, victim === 'daemon' ? before.guard : before.daemon);
          assert.notEqual(now.guard, before.guard);
          await sleep(1_500);
          const later = await askState(agent);
          assert.deepEqual([later.daemon, later.guard], [now.daemon, now.guard], 'they stay');
          await access(statePath);
          agent.hangUp();
          await assertGone(before.daemon, before.guard, now.daemon, now.guard);
        });
      }

      test('after both were killed the next one starts anew', async (t) => {
        const agent = await greeted(t);
        await askError(agent, leaseOf([]));
        const { daemon, guard } = await askState(agent);
        for (const pid of [guard, daemon]) process.kill(pid, 'SIGSTOP');
        for (const pid of [guard, daemon]) process.kill(pid, 'SIGKILL');
        await writeFile(`${statePath}.new`, 'of one that was killed while it wrote');
        assert.equal((await askError(agent, leaseOf([]))).code, 'vermagic');
        const now = await askState(agent);
        assert.ok(now.daemon > 0 && ![daemon, guard].includes(now.daemon));
        agent.hangUp();
        await assertGone(daemon, guard, now.daemon, now.guard);
      });
    });
  });
}
