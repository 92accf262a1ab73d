import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { access, readdir, readlink, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, expectName, isRunning } from '../../support/agent-process.js';
import { askError, readOf } from '../../support/agent-requests.js';
import { makeModule } from '../../support/module-file.js';
import { assertGone, askState, leaseOf, makeUnreadable, notRoot, status, statePath, writeModule } from './requests.js';
import type { Subject } from './subject.js';

const memoryLimit = 3 * 1024;

/** What holds with a lease daemon, of which there is one on a machine. */
export function testLeaseDaemon({ build, isOwn, greeted }: Subject): void {
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
}
