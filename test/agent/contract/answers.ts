import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { access, chmod, copyFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FrameReader, archivePaths, frameMagic } from '@kheaders/shared';
import { type Request, expectName, startAgent } from '../../support/agent-process.js';
import { askError, ping, readOf, sha256, statOf } from '../../support/agent-requests.js';
import { temporaryDirectory } from '../../support/temp.js';
import { askState, findLogErrno, connectTo, isRoot, leaseOf, nobody, notRoot, release } from './requests.js';
import type { Subject } from './subject.js';

const { ENOENT } = constants.errno;

/** What it answers without a lease daemon. */
export function testAnswers({ command, build, greeted }: Subject): void {
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
}
