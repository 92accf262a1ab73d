/**
 * npm run bench:guest [-- ROUNDS] : what a cold pull costs the emulated phone, in instructions: on a machine that is shared
 * times differ from one run to the next by more than most changes bring. Needs gcc.
 */
import { chmod, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startAdbServer } from '../phone/adb-server.js';
import { exec } from '../phone/exec.js';
import { startPhone } from '../phone/phone.js';
import { type Timed, median, runTimed } from './measure.js';
import { makePulls } from './pulls.js';

/** Longer than a lease daemon stays. */
const settleMilliseconds = 3_000;

const rounds = Math.max(3, Number(process.argv[2] ?? 5));
const work = await mkdtemp('/dev/shm/kheaders-guest-');
const counts = join(work, 'counts');
await useCountingEmulator();
await using server = await startAdbServer();
await using phone = await startPhone(server, { layout: 'sys' });
const pulls = makePulls(phone, { ...server.env, ANDROID_SERIAL: phone.serial }, work);

/** Puts a program named like the emulator in front of it, which adds the plugin. */
async function useCountingEmulator(): Promise<void> {
  const plugin = join(work, 'counter.so');
  const source = fileURLToPath(new URL('instruction-counter.c', import.meta.url));
  const { code, stderr } = await exec('gcc', ['-shared', '-fPIC', '-O2', '-o', plugin, source]);
  if (code !== 0) throw new Error(`gcc: ${stderr}`);
  const { stdout } = await exec('sh', ['-c', 'command -v qemu-system-x86_64']);
  const wrapper = join(work, 'qemu-system-x86_64');
  await writeFile(wrapper, `#!/bin/sh\nexec ${stdout.trim()} "$@" -plugin ${plugin}\n`);
  await chmod(wrapper, 0o755);
  process.env['PATH'] = `${work}:${process.env['PATH'] ?? ''}`;
  process.env['INSTRUCTION_COUNT'] = counts;
}

/** Millions of instructions of kernel and programs since the last call. */
let before: readonly number[] = [0, 0];
async function takeCounts(): Promise<readonly [kernel: number, programs: number]> {
  const bytes = await readFile(counts);
  const now = [0, 8].map((at) => Number(bytes.readBigUInt64LE(at)) / 1e6);
  const [kernel = 0, programs = 0] = now.map((value, index) => value - (before[index] ?? 0));
  before = now;
  return [kernel, programs];
}

async function measure(name: string, make: () => Timed, idle: readonly number[]): Promise<void> {
  await runTimed(make());
  const found: (readonly [number, number])[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await sleep(settleMilliseconds);
    await takeCounts();
    await runTimed(make());
    await sleep(settleMilliseconds);
    found.push(await takeCounts());
  }
  const [kernel, programs] = [0, 1].map((index) => median(found.map((pair) => pair[index]!)) - idle[index]!);
  console.log(
    `${name}: ${(kernel! + programs!).toFixed(0)} M instructions, ${kernel!.toFixed(0)} M of the kernel and ${programs!.toFixed(0)} M of programs`,
  );
}

try {
  await sleep(settleMilliseconds);
  await takeCounts();
  await sleep(settleMilliseconds);
  const idle = await takeCounts();
  console.log(`medians of ${rounds} rounds; a phone that does nothing: ${(idle[0] + idle[1]).toFixed(1)} M in 3 s`);
  await measure('kheaders pull, cold', () => pulls.cold(), idle);
  await measure('kheaders pull --no-agent, cold', () => pulls.cold('--no-agent'), idle);
  await measure('shell recipe', () => pulls.recipe(), idle);
} finally {
  await pulls.clean(work)();
}
