import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AdbServer, startAdbServer } from '../phone/adb-server.js';
import { type Arch, type Phone, startPhone } from '../phone/phone.js';
import { type CliRun, runCli, startCli } from '../phone/tests/cli.js';
import { removeTree } from '../../host/src/cache/files.js';
import { assertCacheWhole } from '../support/whole-cache.js';
import { type Random, makeRandom, shuffle } from './random.js';
import { killRole, listAgents } from './processes.js';

/** What can happen to a pull. */
export const kinds = ['host', 'server', 'stdio', 'daemon', 'guard', 'adbd', 'freeze'] as const;
export type Kind = (typeof kinds)[number];

export interface TortureOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly arch: Arch;
  readonly log: (line: string) => void;
}

/** How often each kind was done, and how often it met what it was aimed at. */
export type Tally = Readonly<Record<Kind, { readonly done: number; readonly met: number }>>;

/** The promise: the module is gone so soon after the last client's end. */
const unloadMilliseconds = 5_000;
/** Orphans wait 1.5 s, an idle daemon 2 s; the rest is for a slow emulator. */
const graceMilliseconds = 10_000;
const pullMilliseconds = 120_000;
const freezeMilliseconds = 5_000;

/**
 * Pulls again and again, and at a random moment of each pull does one of the kinds. After each round the phone must be as
 * found and the next pull succeed. Throws at the first thing that does not hold, with the round and the seed.
 */
export async function runTorture(options: TortureOptions): Promise<Tally> {
  const folder = await mkdtemp(join(tmpdir(), 'kheaders-torture-'));
  await using server = await startAdbServer();
  await using phone = await startPhone(server, { layout: 'sys', arch: options.arch });
  const torture = new Torture(server, phone, join(folder, 'cache'), options);
  try {
    return await torture.run();
  } finally {
    await removeTree(folder);
  }
}

class Torture {
  readonly #random: Random;
  readonly #env: Readonly<Record<string, string>>;
  readonly #tally = new Map<Kind, { done: number; met: number }>(kinds.map((kind) => [kind, { done: 0, met: 0 }]));
  #duration = 0;
  #rooted = false;

  constructor(
    readonly server: AdbServer,
    readonly phone: Phone,
    cache: string,
    readonly options: TortureOptions,
  ) {
    this.#random = makeRandom(options.seed);
    this.#env = { ...server.env, KHEADERS_CACHE: cache, ANDROID_SERIAL: phone.serial };
  }

  async run(): Promise<Tally> {
    await this.#pull('the first pull');
    const started = Date.now();
    await this.#pull('the second pull');
    this.#duration = Date.now() - started;
    let deck: Kind[] = [];
    for (let round = 1; round <= this.options.rounds; round += 1) {
      if (deck.length === 0) deck = [...shuffle(kinds, this.#random)];
      const kind = deck.pop()!;
      try {
        await this.#round(round, kind);
      } catch (error) {
        const { seed, arch } = this.options;
        throw new Error(`round ${round} (${kind}), seed ${seed}, ${arch}: ${String(error)}`, { cause: error });
      }
    }
    return Object.fromEntries(this.#tally) as unknown as Tally;
  }

  async #round(round: number, kind: Kind): Promise<void> {
    const foreign = this.#random.below(5) === 0;
    if (foreign) await this.#root(`insmod ${this.#module()}`);
    const run = startCli(['pull', '--force', '--verbose'], this.#env);
    await this.#untilMoment();
    const met = await this.#strike(kind, run);
    const { code, stderr } = await withLimit(run.done, pullMilliseconds, `the pull did not end:\n${run.stderr()}`);
    const ended = Date.now();
    await this.#judgeEnd(kind, code, stderr);
    const gone = await this.#untilModule(foreign, ended);
    await this.#untilNoAgents();
    if (foreign) await this.#root('rmmod kheaders');
    await this.#repair(kind);
    await assertCacheWhole(this.#env['KHEADERS_CACHE']!);
    await this.#pull('the next pull');
    const count = this.#tally.get(kind)!;
    count.done += 1;
    count.met += met ? 1 : 0;
    const hit = met ? 'hit' : 'missed';
    this.options.log(
      `${round}: ${kind} ${hit}${foreign ? ', module there before' : ''}, exit ${code}, settled ${gone} ms`,
    );
  }

  /** Half of the moments are spread over the pull, half over the time in which the agent is at work. */
  async #untilMoment(): Promise<void> {
    const share = this.#random.next();
    if (this.#random.below(2) === 0) {
      await sleep(share * this.#duration);
      return;
    }
    const until = Date.now() + this.#duration;
    while (Date.now() < until && (await listAgents(this.server, this.phone)).length === 0) await sleep(2);
    await sleep((share * share * this.#duration) / 2);
  }

  /** Does it; true if there was something to do it to. */
  async #strike(kind: Kind, run: CliRun): Promise<boolean> {
    const { server, phone } = this;
    const running = run.child.exitCode === null;
    switch (kind) {
      case 'host':
        run.child.kill('SIGKILL');
        return running;
      case 'server':
        await server.kill();
        await sleep(this.#random.below(300));
        await server.restart();
        await phone.connect(server);
        return running;
      case 'adbd':
        await server.adb('-s', phone.serial, this.#rooted ? 'unroot' : 'root');
        this.#rooted = !this.#rooted;
        await phone.connect(server);
        return running;
      case 'freeze':
        await phone.freeze();
        await sleep(freezeMilliseconds);
        await phone.thaw();
        return running;
      default:
        return (await killRole(server, phone, kind)) > 0;
    }
  }

  /** A pull may fail where its host, its server or its phone's adbd was taken away: then it says so. */
  async #judgeEnd(kind: Kind, code: number | null, stderr: string): Promise<void> {
    if (code === 0 || (kind === 'host' && code === null)) return;
    const lost = /\[(device-lost|device-offline|adb-unreachable|no-device)\]/.test(stderr);
    // What the adb server says of a service that was opened while its transport went.
    const closed = /\[device-failed\]\s+It said: closed/.test(stderr);
    if ((kind === 'server' || kind === 'adbd') && (lost || closed)) return;
    throw new Error(`the pull exited ${String(code)}:\n${stderr}`);
  }

  /** Milliseconds until the module was as it was before. */
  async #untilModule(expected: boolean, since: number): Promise<number> {
    while ((await this.#hasModule()) !== expected) {
      const passed = Date.now() - since;
      if (passed > unloadMilliseconds)
        throw new Error(`the module is ${expected ? 'gone' : 'there'} after ${passed} ms`);
      await sleep(50);
    }
    return Date.now() - since;
  }

  async #untilNoAgents(): Promise<void> {
    const until = Date.now() + graceMilliseconds;
    for (;;) {
      const left = await listAgents(this.server, this.phone);
      if (left.length === 0) break;
      if (Date.now() > until) throw new Error(`agents are left: ${left.join(', ')}`);
      await sleep(200);
    }
    const state = await this.phone.root(this.server, 'ls /dev/.kheaders-lease* 2>/dev/null');
    if (state.stdout.trim() !== '') throw new Error(`the state file is left: ${state.stdout}`);
  }

  async #repair(kind: Kind): Promise<void> {
    if (kind === 'server' || kind === 'adbd') await this.phone.connect(this.server);
  }

  async #pull(name: string): Promise<void> {
    const { code, stderr } = await runCli(['pull', '--force'], this.#env);
    if (code !== 0) throw new Error(`${name} failed:\n${stderr}`);
  }

  async #hasModule(): Promise<boolean> {
    return (await this.phone.root(this.server, '[ -d /sys/module/kheaders ]')).code === 0;
  }

  #module(): string {
    return `/system_dlkm/lib/modules/${this.phone.release}/kernel/kernel/kheaders.ko`;
  }

  async #root(command: string): Promise<void> {
    const { code, stdout } = await this.phone.root(this.server, command);
    if (code !== 0) throw new Error(`${command}: ${stdout}`);
  }
}

async function withLimit<T>(work: Promise<T>, milliseconds: number, message: string): Promise<T> {
  const stop = new AbortController();
  const late = sleep(milliseconds, undefined, { signal: stop.signal }).then(() => {
    throw new Error(message);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    late.catch(() => undefined);
    stop.abort();
  }
}
