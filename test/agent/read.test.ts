import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { open, readFile, readdir, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { type TestContext, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { payloadLimit } from '@kheaders/shared';
import {
  type AgentProcess,
  agentFolder,
  buildAgents,
  eventually,
  expectName,
  startAgent,
} from '../support/agent-process.js';
import { askError, cancelOf, ping, readAll, readOf, sha256, statOf } from '../support/agent-requests.js';
import { temporaryDirectory } from '../support/temp.js';
import { type Abi, abis, findRunner } from './run-entry.js';

const { EISDIR, ENOENT } = constants.errno;

await buildAgents();

for (const abi of Object.keys(abis) as Abi[]) {
  const runner = await findRunner(abi);

  describe(
    `files read by the agent, ${abi}`,
    { skip: runner === undefined && `this machine has no qemu-user for ${abi}` },
    () => {
      const command = [...(runner ?? []), join(agentFolder, abi)];
      async function greeted(t: TestContext): Promise<AgentProcess> {
        const agent = startAgent(t, command);
        await agent.greet();
        return agent;
      }

      test('read gives a file, whole and from an offset, with the digest of the whole', async (t) => {
        const path = join(await temporaryDirectory(t), 'file');
        const bytes = Buffer.alloc(3_000_001, 'all that is in the file, and again: ');
        await writeFile(path, bytes);
        const digest = sha256(bytes);
        const agent = await greeted(t);
        for (const offset of [0, 1, 65_535, 65_536, 2_999_999, bytes.length]) {
          for (const wanted of [true, false]) {
            const found = await readAll(agent, readOf(path, offset, wanted));
            assert.ok(found.bytes.equals(bytes.subarray(offset)), `from ${offset}`);
            assert.deepEqual([found.size, found.digest], [bytes.length, wanted ? digest : ''], `from ${offset}`);
          }
        }
        const empty = join(await temporaryDirectory(t), 'empty');
        await writeFile(empty, '');
        assert.deepEqual(await readAll(agent, readOf(empty, 0, true)), {
          bytes: Buffer.alloc(0),
          size: 0,
          digest: sha256(),
        });
      });

      test('read goes beyond 4 GiB, and refuses an offset in what has none', async (t) => {
        const folder = await temporaryDirectory(t);
        const path = join(folder, 'sparse');
        const high = 2 ** 32 + 12_345;
        await using sparse = await open(path, 'w');
        await sparse.truncate(high);
        await sparse.write('the end', high);
        const agent = await greeted(t);
        const found = await readAll(agent, readOf(path, high - 1));
        assert.deepEqual([found.bytes.toString(), found.size], ['\0the end', high + 7]);
        assert.equal(expectName(await agent.ask(statOf(path)), 'fileInfo').size, high + 7);
        const fifo = join(folder, 'fifo');
        execFileSync('mkfifo', [fifo]);
        const { code, errno } = await askError(agent, readOf(fifo, 1));
        assert.deepEqual([code, errno], ['io', constants.errno.ESPIPE]);
      });

      test('read gives files of /proc, which do not tell their size', async (t) => {
        const agent = await greeted(t);
        const bytes = await readFile('/proc/version');
        const digest = sha256(bytes);
        assert.deepEqual(await readAll(agent, readOf('/proc/version', 0, true)), { bytes, size: bytes.length, digest });
        const tail = await readAll(agent, readOf('/proc/version', 6, true));
        assert.deepEqual(tail, { bytes: bytes.subarray(6), size: bytes.length, digest });
      });

      test('read refuses what cannot be read, with errno and path, and goes on', async (t) => {
        const folder = await temporaryDirectory(t);
        const agent = await greeted(t);
        const io = { code: 'io', detail: '' };
        const missing = join(folder, 'missing ß');
        assert.deepEqual(await askError(agent, readOf(missing)), { ...io, errno: ENOENT, path: missing });
        assert.deepEqual(await askError(agent, readOf(folder)), { ...io, errno: EISDIR, path: folder });
        assert.deepEqual(await askError(agent, readOf(folder, 4096, true)), { ...io, errno: EISDIR, path: folder });
        assert.equal((await agent.ask(ping)).name, 'done');
      });

      test('read gives what the kernel makes up, and what a pipe holds', async (t) => {
        const agent = await greeted(t);
        const notes = await readFile('/sys/kernel/notes').catch(() => undefined);
        if (notes !== undefined) assert.deepEqual((await readAll(agent, readOf('/sys/kernel/notes'))).bytes, notes);
        const version = await readFile('/proc/version');
        assert.deepEqual((await readAll(agent, readOf('/proc/version'))).bytes, version);
        const fifo = join(await temporaryDirectory(t), 'fifo');
        execFileSync('mkfifo', [fifo]);
        assert.deepEqual((await readAll(agent, readOf(fifo))).size, 0, 'nobody writes');
        await using writer = await open(fifo, 'r+');
        assert.equal((await askError(agent, readOf(fifo))).errno, constants.errno.EAGAIN, 'nothing is there now');
        await writer.write('text');
        // Beyond the text there is nothing now.
        const messages = await agent.all(agent.send(readOf(fifo))[0]!);
        assert.deepEqual(
          messages.map(({ name }) => name),
          ['data', 'error'],
        );
      });

      test('a read that is cancelled ends before the file does; one that waits, or has ended, is left as it is', async (t) => {
        const folder = await temporaryDirectory(t);
        const path = join(folder, 'large');
        await using sparse = await open(path, 'w');
        await sparse.truncate(512 * 1024 * 1024);
        const small = join(folder, 'small');
        await writeFile(small, 'all of it');
        const agent = await greeted(t);
        const [large, waiting] = agent.send(readOf(path), readOf(small));
        assert.equal((await agent.next(large!)).name, 'data');
        const [early, first] = agent.send(cancelOf(waiting!), cancelOf(large!));
        const messages = await agent.all(large!);
        assert.equal(expectName(messages.at(-1)!, 'error').code, 'cancelled');
        assert.ok(messages.length * payloadLimit < 64 * 1024 * 1024, `${messages.length} messages`);
        assert.deepEqual(
          (await agent.all(waiting!)).map(({ name }) => name),
          ['data', 'end'],
        );
        for (const id of [early!, first!, agent.send(cancelOf(waiting!))[0]!]) {
          assert.equal((await agent.next(id)).name, 'done');
        }
        assert.equal((await readAll(agent, readOf(small))).bytes.toString(), 'all of it');
      });

      test('a large read of a host that does not listen fills little memory', async (t) => {
        const path = join(await temporaryDirectory(t), 'large');
        await using sparse = await open(path, 'w');
        await sparse.truncate(64 * 1024 * 1024);
        const agent = await greeted(t);
        const kilobytes = async (): Promise<number> => {
          const status = await readFile(`/proc/${agent.pid}/status`, 'utf8');
          return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
        };
        const before = await kilobytes();
        agent.ignore();
        agent.send(readOf(path));
        await sleep(500);
        const grown = (await kilobytes()) - before;
        assert.ok(grown < 6 * 1024, `${grown} KB more`);
      });

      test('many reads of a host that listens late leave nothing open', async (t) => {
        const path = join(await temporaryDirectory(t), 'file');
        const bytes = randomBytes(300_000);
        await writeFile(path, bytes);
        const agent = await greeted(t);
        const open = async (): Promise<number> => (await readdir(`/proc/${agent.pid}/fd`)).length;
        const before = await open();
        agent.ignore();
        const ids = agent.send(...Array.from({ length: 30 }, () => readOf(path)));
        await sleep(200);
        agent.listen();
        for (const id of ids) {
          const pieces = (await agent.all(id)).slice(0, -1).map((message) => expectName(message, 'data').bytes);
          assert.ok(Buffer.concat(pieces).equals(bytes));
        }
        assert.equal((await agent.ask(ping)).name, 'done');
        await eventually('the files are closed', async () => (await open()) <= before + 1);
      });

      test('a ping is answered while a large read is under way, and requests in order', async (t) => {
        const folder = await temporaryDirectory(t);
        const size = 64 * 1024 * 1024;
        await using sparse = await open(join(folder, 'large'), 'w');
        await sparse.truncate(size);
        const agent = await greeted(t);
        const [read, one, two] = agent.send(
          readOf(join(folder, 'large')),
          statOf(folder),
          readOf(join(folder, 'none')),
        );
        const names: string[] = [];
        const count = (id: number): number => agent.heard.filter((message) => message.id === id).length;
        await agent.until('data', () => count(read!) > 0 || undefined);
        const [asked] = agent.send(ping);
        assert.equal((await agent.next(asked!)).name, 'done');
        assert.ok(count(read!) < size / payloadLimit, 'the read is under way');
        await agent.until('the last answer', () => count(two!) > 0 || undefined);
        for (const { id, name } of agent.heard) if (name !== 'data') names.push(`${id} ${name}`);
        assert.deepEqual(names, [`${read} end`, `${one} fileInfo`, `${two} error`]);
        const bytes = agent.heard.reduce((sum, { name, body }) => sum + (name === 'data' ? body.bytes.length : 0), 0);
        assert.equal(bytes, size);
      });
    },
  );
}
