import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runAdb, type AdbServer } from './adb-server.js';
import { startPhone, type Phone, type PhoneOptions } from './phone.js';
import { isRunning, identify } from './state.js';

const HANG_MS = 4000;
let good = 0;
let bad = 0;

/** Notes and prints whether it is so; the test of a text may be a pattern. */
export function check(title: string, actual: unknown, expected: unknown): void {
  const matches = expected instanceof RegExp ? expected.test(String(actual)) : actual === expected;
  if (matches) good++;
  else bad++;
  console.log(
    matches ? `ok    ${title}` : `FAIL  ${title}: got ${JSON.stringify(actual)}, expected ${String(expected)}`,
  );
}

export function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(2)} s`;
}

/** A phone and its adb server, with the few things that the checks do again and again. */
export class Bench {
  constructor(
    readonly server: AdbServer,
    readonly phone: Phone,
  ) {}

  async out(command: string): Promise<string> {
    return (await this.phone.shell(this.server, command)).stdout.trim();
  }

  async all(command: string): Promise<string> {
    const { stdout, stderr, code } = await this.phone.shell(this.server, command);
    return `${code}|${stdout.trim()}|${stderr.trim()}`;
  }

  async rootOut(command: string): Promise<string> {
    const { stdout, stderr } = await this.phone.root(this.server, command);
    return `${stdout}${stderr}`.trim();
  }

  async hangs(command: string): Promise<boolean> {
    const { code } = await runAdb(this.server.env, ['-s', this.phone.serial, 'shell', command], HANG_MS);
    return code === -1;
  }

  async pull(path: string): Promise<Buffer> {
    const dir = await mkdtemp(join(tmpdir(), 'kheaders-selftest-'));
    const { code, stderr } = await this.server.adb('-s', this.phone.serial, 'pull', path, join(dir, 'file'));
    if (code !== 0) throw new Error(stderr);
    const data = await readFile(join(dir, 'file'));
    await rm(dir, { recursive: true });
    return data;
  }

  /** `adb root` and `adb unroot` break the connection. */
  async switchRoot(how: 'root' | 'unroot'): Promise<string> {
    const { stdout, stderr } = await this.server.adb('-s', this.phone.serial, how);
    await this.phone.connect(this.server);
    return `${stdout}${stderr}`.trim();
  }

  su(mode: string): Promise<string> {
    return this.rootOut(`setprop phone.su ${mode}`);
  }
}

export function hash(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Starts a phone, shows it to `body` and checks that its machine ends. */
export async function withPhone(
  server: AdbServer,
  options: PhoneOptions,
  body: (bench: Bench) => Promise<void>,
): Promise<void> {
  const began = performance.now();
  await using phone = await startPhone(server, options);
  console.log(`---   ${JSON.stringify(options)} ready after ${seconds(began)}`);
  const process = identify(phone.pid);
  await body(new Bench(server, phone));
  await phone.stop();
  check('the machine ends', isRunning(process), false);
}

/** How many checks held, and how many did not. */
export function counts(): { readonly good: number; readonly bad: number } {
  return { good, bad };
}
