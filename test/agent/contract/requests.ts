import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, constants as flags, openSync } from 'node:fs';
import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type MessageBody } from '@kheaders/shared';
import { type AgentProcess, type Request, eventually, expectName, isRunning } from '../../support/agent-process.js';
import { makeModule } from '../../support/module-file.js';
import { temporaryDirectory } from '../../support/temp.js';

/** Where the lease daemon writes down what it loaded. */
export const statePath = '/dev/.kheaders-lease';
export const nobody = 65_534;
export const isRoot = process.getuid?.() === 0;
export const notRoot = !isRoot && 'the lease daemon is for root only, and this test does not run as root';

export const status: Request = { name: 'status', body: {} };
export const release: Request = { name: 'release', body: {} };
export const leaseOf = (paths: readonly string[], body: Partial<MessageBody<'lease'>> = {}): Request => ({
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

export async function writeModule(t: TestContext, bytes = makeModule()): Promise<string> {
  const path = join(await temporaryDirectory(t), 'kheaders.ko');
  await writeFile(path, bytes);
  return path;
}

/** Files in which no vermagic can be found, each for its own reason. */
export function makeUnreadable(): readonly Buffer[] {
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

export async function askState(agent: AgentProcess): Promise<MessageBody<'state'>> {
  return expectName(await agent.ask(status), 'state');
}

/** Why /dev/kmsg cannot be opened by us; undefined: it can. */
export function findLogErrno(): number | undefined {
  try {
    closeSync(openSync('/dev/kmsg', flags.O_RDONLY | flags.O_NONBLOCK));
    return undefined;
  } catch (error) {
    return -((error as NodeJS.ErrnoException).errno ?? 0);
  }
}

/** A program of the base system that connects and prints what comes: Node 20 knows no such names. */
export function connectTo(name: string, user: { readonly uid?: number } = {}): ChildProcess {
  const script = `socket(S, AF_UNIX, SOCK_STREAM, 0) && connect(S, sockaddr_un("\\0$ARGV[0]")) or die "connect: $!";
    syswrite(STDOUT, $bytes) while sysread(S, $bytes, 65536);`;
  return spawn('perl', ['-MSocket', '-e', script, name], { stdio: ['ignore', 'pipe', 'inherit'], cwd: '/', ...user });
}

/** No daemon is left, and nothing of it. */
export async function assertGone(...pids: readonly number[]): Promise<void> {
  for (const pid of pids) await eventually(`the end of process ${pid}`, async () => !(await isRunning(pid)));
  for (const path of [statePath, `${statePath}.new`]) await assert.rejects(access(path), { code: 'ENOENT' });
}
