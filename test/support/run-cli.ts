import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from './temp.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const built = process.env['KHEADERS_TEST_BUILT'] === '1';
const program = built ? [join(root, 'host/dist/kheaders.cjs')] : ['--import', 'tsx', join(root, 'host/src/cli/bin.ts')];

/** No command of a test may take longer; a machine under load needs seconds where an idle one needs half of one. */
const limitMilliseconds = 120_000;

/** A user of one test: a home and a cache of his own, and no adb program. */
export interface CliHost {
  readonly cache: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface CliRun {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCli {
  readonly ended: Promise<CliRun>;
  kill(signal: NodeJS.Signals): void;
  /** Settles once standard error matches; rejects if the program ends before. */
  saw(pattern: RegExp): Promise<void>;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Closes our end of the program's standard output at once: what it prints meets EPIPE. */
  readonly closeStdout?: boolean;
}

/** `port` is that of the adb server. */
export async function makeHost(t: TestContext, port: number): Promise<CliHost> {
  const home = await temporaryDirectory(t);
  const cache = join(home, 'cache');
  await mkdir(cache, { mode: 0o700 });
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    KHEADERS_CACHE: cache,
    ANDROID_ADB_SERVER_PORT: String(port),
    ADB: join(home, 'no-adb-program'),
    // No helper programs, whatever was built here: a test that is about them names a folder of its own.
    KHEADERS_AGENT_DIR: join(home, 'no-agents'),
  };
  return { cache, env };
}

/** Starts the CLI: the sources, or the built one where KHEADERS_TEST_BUILT=1. It ends with the test at the latest. */
export function startCli(t: TestContext, host: CliHost, args: readonly string[], options: RunOptions = {}): RunningCli {
  const child = spawn(process.execPath, [...program, ...args], {
    cwd: root,
    env: { ...host.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const limit = setTimeout(() => child.kill('SIGKILL'), limitMilliseconds);
  t.after(() => child.kill('SIGKILL'));
  const text = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text.stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text.stderr += chunk));
  if (options.closeStdout === true) child.stdout.destroy();
  const ended = once(child, 'close').then((values) => {
    clearTimeout(limit);
    const [code, signal] = values as [number | null, NodeJS.Signals | null];
    return { code, signal, ...text };
  });
  return {
    ended,
    kill: (signal) => void child.kill(signal),
    saw: (pattern) => sawOn(child, () => text.stderr, pattern),
  };
}

export async function runCli(
  t: TestContext,
  host: CliHost,
  args: readonly string[],
  options: RunOptions = {},
): Promise<CliRun> {
  return startCli(t, host, args, options).ended;
}

function sawOn(child: ChildProcess, read: () => string, pattern: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (pattern.test(read())) resolve();
    };
    child.stderr?.on('data', look);
    child.once('close', () => reject(new Error(`it ended without saying ${String(pattern)}:\n${read()}`)));
    look();
  });
}

/** Standard output as `--json` writes it. */
export function parseJsonLines(stdout: string): readonly Record<string, unknown>[] {
  const lines = stdout.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** Nothing was published and nothing was left: no entry, no record, no staging. */
export async function assertCacheEmpty({ cache }: CliHost): Promise<void> {
  for (const folder of ['kernels', 'identities', 'tmp']) {
    const names = await readdir(join(cache, 'v1', folder)).catch(() => []);
    assert.deepEqual(names, [], `the cache holds ${folder}/${names.join(' ')}`);
  }
}

/** The entries of the cache as `release/digest`; nothing else may be left. */
export async function listPublished({ cache }: CliHost): Promise<readonly string[]> {
  assert.deepEqual(await readdir(join(cache, 'v1/tmp')), [], 'staging is left');
  const found = [];
  for (const release of await readdir(join(cache, 'v1/kernels'))) {
    const names = await readdir(join(cache, 'v1/kernels', release));
    for (const name of names) if (name !== 'latest') found.push(`${release}/${name}`);
  }
  return found;
}
