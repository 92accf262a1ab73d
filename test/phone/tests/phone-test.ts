import assert from 'node:assert/strict';
import { mkdtemp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AdbServer, startAdbServer } from '../adb-server.js';
import { removeTree } from '../../../host/src/cache/files.js';
import { assertCacheWhole } from '../../support/whole-cache.js';
import { completeOptions } from '../options.js';
import { type Phone, type PhoneOptions, startPhone } from '../phone.js';
import { type CliResult, type CliRun, runCli, startCli } from './cli.js';

/** What a phone test gets: one phone or several, an adb server of its own, an empty cache, and the CLI. */
export interface Bench {
  readonly server: AdbServer;
  readonly phone: Phone;
  readonly phones: readonly Phone[];
  /** An empty folder, removed afterwards; the cache is `cache` in it. */
  readonly folder: string;
  readonly cache: string;
  /** Environment of the CLI: this server, this cache, the first phone unless a serial is given. */
  readonly env: Readonly<Record<string, string>>;
  kheaders(...args: string[]): Promise<CliResult>;
  start(...args: string[]): CliRun;
}

let server: AdbServer;
let serving: Promise<void> | undefined;
let used = false;

/** KHEADERS_TEST_AGENT=0 runs every phone test with the phone's own shell alone. */
export const withAgent = process.env['KHEADERS_TEST_AGENT'] !== '0';

/** The arguments of a command that pulls, for this run of the tests. */
export function byMode(args: readonly string[]): readonly string[] {
  return args[0] === 'pull' && !withAgent ? [...args, '--no-agent'] : args;
}

/** Call in each file: the tests of a process share one private adb server, which starts with the first of them. */
export function useAdbServer(): void {
  if (used) return;
  used = true;
  after(async () => {
    for (const { phone } of idle) await phone.stop();
    await serving;
    if (serving) await server.stop();
  });
}

async function serve(): Promise<void> {
  server = await startAdbServer();
}

type Body = (bench: Bench) => Promise<void>;

/** Phones of this process that were found as they were; to start one takes as long as a pull. */
const idle: { readonly kind: string; readonly phone: Phone }[] = [];
/** Each keeps some 300 MB. */
const mostIdle = 6;

function describeKind(options: PhoneOptions): string {
  return JSON.stringify({ ...completeOptions(options), name: '' });
}

async function takePhone(options: PhoneOptions): Promise<Phone> {
  const at = idle.findIndex(({ kind }) => kind === describeKind(options));
  const phone = at < 0 ? undefined : idle.splice(at, 1)[0]?.phone;
  await phone?.thaw();
  await phone?.connect(server);
  return phone ?? startPhone(server, options);
}

/** For a later test: unplugged, and at rest until then. The agent's file stays, as it does on a phone that was used. */
async function givePhone(phone: Phone, options: PhoneOptions): Promise<void> {
  await phone.disconnect(server);
  await phone.freeze();
  idle.push({ kind: describeKind(options), phone });
  if (idle.length > mostIdle) await idle.shift()?.phone.stop();
}

/**
 * One test on phones that nobody else uses. Whatever the test did and however it ended, each phone must be as it was:
 * this is the one place that asserts it. A test that changes a phone on purpose does so in `prepare`, before the first
 * look; such a phone, and one that is not as it was, serves no other test.
 */
export function phoneTest(
  title: string,
  options: PhoneOptions | readonly PhoneOptions[],
  body: Body,
  prepare?: Body,
): void {
  const list = options instanceof Array ? options : [options];
  test(title, { timeout: 300_000 }, async () => {
    await (serving ??= serve());
    const folder = await mkdtemp(join(tmpdir(), 'kheaders-test-'));
    const phones: Phone[] = [];
    try {
      for (const each of list) phones.push(await takePhone(each));
      const bench = makeBench(phones, folder);
      await prepare?.(bench);
      const states = await Promise.all(phones.map((phone) => lookAt(phone)));
      await body(bench);
      for (const [index, phone] of phones.entries()) await assertAsFound(phone, states[index]!);
      await assertCacheWhole(bench.cache);
      if (prepare) return;
      for (const each of list) await givePhone(phones.shift()!, each);
    } finally {
      await Promise.all(phones.map((phone) => phone.stop()));
      await removeTree(folder);
    }
  });
}

function makeBench(phones: readonly Phone[], folder: string): Bench {
  const phone = phones[0]!;
  const cache = join(folder, 'cache');
  const env = { ...server.env, KHEADERS_CACHE: cache, ANDROID_SERIAL: phone.serial };
  return {
    server,
    phone,
    phones,
    folder,
    cache,
    env,
    kheaders: (...args) => runCli(byMode(args), env),
    start: (...args) => startCli(byMode(args), env),
  };
}

/** Everything a pull could leave behind. */
export interface PhoneState {
  readonly modules: string;
  readonly adbd: string;
  readonly files: string;
  readonly processes: string;
}

/** Seen past adbd, so that looking changes nothing. Kernel threads and the looking itself are left out. */
export async function lookAt(phone: Phone): Promise<PhoneState> {
  const ask = async (command: string): Promise<string> => (await phone.root(server, command)).stdout.trim();
  return {
    modules: await ask('while read -r name rest; do echo $name; done </proc/modules'),
    adbd: await ask('for p in $(pgrep -x adbd); do grep -E "^(Uid|Gid|Groups)" /proc/$p/status; done'),
    files: listFiles(
      await ask(
        'find /data /dev /mnt -not -name adbd.log -not -path "/dev/__properties__/*" -not -path "/dev/pts/*" 2>/dev/null | sort; ls -l /data/local/tmp',
      ),
    ),
    processes: listProcesses(await ask('ps -A -o UID,ARGS')),
  };
}

/** The agent's own file stays for the next pull, and only that; `kheaders agent uninstall` takes it away. */
const agentFile = /kheaders-agent-(arm64-v8a|armeabi-v7a|x86_64|riscv64)-[0-9a-f]{16}$/;

function listFiles(text: string): string {
  const lines = text.split('\n').filter((line) => !agentFile.test(line) && !/^total \d+$/.test(line));
  return lines.join('\n');
}

function listProcesses(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  return lines
    .filter((line) => !/\]$|ps -A|^UID/.test(line))
    .sort()
    .join('\n');
}

const settleMilliseconds = 5000;

/** The phone cleans up by itself, so it is given a moment; then every part must be equal. */
export async function assertAsFound(phone: Phone, before: PhoneState): Promise<void> {
  const until = Date.now() + settleMilliseconds;
  let now = await lookAt(phone);
  while (!isSame(now, before) && Date.now() < until) {
    await sleep(200);
    now = await lookAt(phone);
  }
  assert.deepEqual(now, before, `${phone.name} is not as it was found`);
}

function isSame(a: PhoneState, b: PhoneState): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Entries of staging that are left; killed runs may leave one until the next run sweeps it. */
export async function listStaging(cache: string): Promise<readonly string[]> {
  return readdir(join(cache, 'v1', 'tmp')).catch(() => []);
}

/** True while the phone has the module. */
export async function hasModule(phone: Phone): Promise<boolean> {
  return (await phone.root(server, '[ -d /sys/module/kheaders ]')).code === 0;
}

/** Waits until the module is gone; returns the milliseconds it took, or fails. */
export async function waitUntilUnloaded(phone: Phone, milliseconds: number): Promise<number> {
  const started = Date.now();
  while (await hasModule(phone)) {
    const passed = Date.now() - started;
    assert.ok(passed < milliseconds, `the module is still loaded after ${passed} ms`);
    await sleep(50);
  }
  return Date.now() - started;
}
