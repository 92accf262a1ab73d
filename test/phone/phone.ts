import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AdbServer } from './adb-server.js';
import { askServer } from './ask-server.js';
import { findAssets, type Assets, type Report } from './assets.js';
import type { Outcome } from './exec.js';
import { Machine } from './machine.js';
import { completeOptions, type Arch, type Layout, type Pages, type PhoneOptions, type PhoneSpec } from './options.js';
import { bootArguments, restoreCommands } from './settings.js';
import { ensureSnapshot, restoreSnapshot } from './snapshot.js';
import { waitFor } from './wait.js';

export type { Arch, Layout, PhoneOptions } from './options.js';

export interface Phone extends AsyncDisposable {
  readonly name: string;
  /** 127.0.0.1:PORT */
  readonly serial: string;
  readonly arch: Arch;
  readonly layout: Layout;
  readonly pages: Pages;
  /** uname -r */
  readonly release: string;
  /** On the host: the very kheaders.tar.xz that is in the phone's kheaders.ko. */
  readonly archivePath: string | undefined;
  /** On the host: the phone's kheaders.ko. */
  readonly koPath: string | undefined;
  /** On the host: the content of the phone's boot partition. */
  readonly bootImagePath: string;
  /** On the host, a folder: `vmlinuz`, `config` and `objects`, where the kernel's Module.symvers is. */
  readonly kernelPath: string;
  /** On the host: a folder with the programs that built a kernel nearer to GKI; undefined for Debian's. */
  readonly llvmPath: string | undefined;
  readonly pid: number;
  /** Waits until adb says `device`, or `unauthorized` for such a phone. */
  connect(server: AdbServer): Promise<void>;
  disconnect(server: AdbServer): Promise<void>;
  shell(server: AdbServer, command: string): Promise<Outcome>;
  /** As root, past adbd and su; works on every phone. The server is not used. */
  root(server: AdbServer, command: string): Promise<Outcome>;
  /** The serial console so far. */
  console(): Promise<string>;
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  stop(): Promise<void>;
}

export interface StartOptions {
  dir: string;
  detached: boolean;
  /** false: always boot. */
  snapshots: boolean;
}

/** A machine whose guest is what the spec says, with adbd listening. */
export async function startMachine(spec: PhoneSpec, assets: Assets, options: StartOptions): Promise<Machine> {
  const kind = { arch: spec.arch, pages: spec.pages, memoryMiB: spec.memoryMiB, assets };
  if (options.snapshots && spec.kernelArgs.length === 0) {
    const from = await ensureSnapshot(kind);
    const machine = await restoreSnapshot(options.dir, from, kind, options.detached);
    return settle(machine, async () => {
      await machine.root.check(restoreCommands(spec));
      await machine.waitForAdbd();
    });
  }
  const kernelArgs = bootArguments(spec);
  const machine = await Machine.start(options.dir, { ...kind, kernelArgs }, options.detached);
  return settle(machine, () => machine.waitForAdbd());
}

async function settle(machine: Machine, ready: () => Promise<void>): Promise<Machine> {
  try {
    await ready();
    return machine;
  } catch (error) {
    await machine.end();
    throw error;
  }
}

function parseState(devices: string, serial: string): string | undefined {
  const line = devices.split('\n').find((one) => one.startsWith(`${serial}\t`));
  return line?.split('\t')[1]?.trim();
}

/** How long a phone that is connected may take to say who it is, and may be offline meanwhile. */
const stateMs = { known: 1500, offline: 150 };

/** `connect` answers before the device's state is known, so the list of devices is asked too. */
export async function connectPhone(port: number, serial: string, wanted: string): Promise<void> {
  await waitFor(`${serial} to be "${wanted}"`, 60_000, async () => {
    const connected = await askServer(port, `host:connect:${serial}`, 20_000);
    if (/cannot|failed to connect|unable/.test(connected)) return undefined;
    const started = performance.now();
    for (let passed = 0; passed < stateMs.known; passed = performance.now() - started) {
      const state = parseState(await askServer(port, 'host:devices', 10_000), serial);
      if (state === wanted) return true;
      if (state === 'offline' && passed > stateMs.offline) break;
      await sleep(10);
    }
    await disconnectPhone(port, serial);
    return undefined;
  });
}

/** Fine where no server runs any more, and where it does not know the phone. */
export async function disconnectPhone(port: number, serial: string): Promise<void> {
  await askServer(port, `host:disconnect:${serial}`, 10_000).catch(() => undefined);
}

class VirtualPhone implements Phone {
  readonly name: string;
  readonly arch: Arch;
  readonly layout: Layout;
  readonly pages: Pages;
  readonly release: string;
  readonly archivePath: string | undefined;
  readonly koPath: string | undefined;
  readonly bootImagePath: string;
  readonly kernelPath: string;
  readonly llvmPath: string | undefined;
  readonly pid: number;
  private readonly servers = new Set<AdbServer>();

  constructor(
    private readonly spec: PhoneSpec,
    assets: Assets,
    private readonly machine: Machine,
    readonly serial: string,
  ) {
    this.name = spec.name;
    this.arch = spec.arch;
    this.layout = spec.layout;
    this.pages = spec.pages;
    this.release = assets.release;
    this.archivePath = assets.archivePath;
    this.koPath = assets.koPath;
    this.bootImagePath = assets.bootImage;
    this.kernelPath = assets.kernelPath;
    this.llvmPath = assets.llvmPath;
    this.pid = machine.process.pid;
  }

  async connect(server: AdbServer): Promise<void> {
    await connectPhone(server.port, this.serial, this.spec.unauthorized ? 'unauthorized' : 'device');
    this.servers.add(server);
  }

  async disconnect(server: AdbServer): Promise<void> {
    this.servers.delete(server);
    await disconnectPhone(server.port, this.serial);
  }

  shell(server: AdbServer, command: string): Promise<Outcome> {
    return server.adb('-s', this.serial, 'shell', command);
  }

  root(_server: AdbServer, command: string): Promise<Outcome> {
    return this.machine.root.run(command);
  }

  console(): Promise<string> {
    return this.machine.console();
  }

  async freeze(): Promise<void> {
    await (await this.machine.monitor()).execute('stop');
  }

  async thaw(): Promise<void> {
    await (await this.machine.monitor()).execute('cont');
  }

  async stop(): Promise<void> {
    for (const server of [...this.servers]) await this.disconnect(server);
    await this.machine.end();
    await rm(this.machine.dir, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

function quiet(): void {}

/** Starts a phone and connects it to the server. It is gone with stop(), or with this process. */
export async function startPhone(server: AdbServer, options: PhoneOptions = {}): Promise<Phone> {
  const spec = completeOptions(options);
  const report: Report = process.env['KHEADERS_PHONE_VERBOSE'] ? (line) => process.stderr.write(`${line}\n`) : quiet;
  const assets = await findAssets(spec, report);
  const dir = await mkdtemp(join(tmpdir(), 'kheaders-phone-'));
  const machine = await startMachine(spec, assets, { dir, detached: false, snapshots: true });
  const phone = new VirtualPhone(spec, assets, machine, `127.0.0.1:${await machine.adbPort()}`);
  try {
    await phone.connect(server);
    return phone;
  } catch (error) {
    await phone.stop();
    throw error;
  }
}
