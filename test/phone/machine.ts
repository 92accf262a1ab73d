import { copyFile, mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Assets } from './assets.js';
import { launch } from './launch.js';
import { Monitor } from './monitor.js';
import type { Arch, Pages } from './options.js';
import { RootLine } from './root-line.js';
import { endProcess, forgetAtExit, isRunning, type ProcessId } from './state.js';
import { waitFor } from './wait.js';

export interface MachineSpec {
  arch: Arch;
  pages: Pages;
  memoryMiB: number;
  assets: Assets;
  kernelArgs: readonly string[];
  /** A file for the guest's memory: shared to write a snapshot, private to start from one. */
  memoryFile?: { path: string; share: boolean };
  /** The folder of a snapshot to start from. */
  from?: string;
}

/** TCG always: a host whose /dev/kvm opens may still not run a stock kernel on it. */
const MODELS: Record<Arch, { program: string; args: string[]; cpus: Record<Pages, string>; console: string }> = {
  x86_64: {
    program: 'qemu-system-x86_64',
    args: ['-machine', 'pc,memory-backend=ram'],
    cpus: { '4k': 'max', '16k': 'max' },
    console: 'ttyS0',
  },
  arm64: {
    program: 'qemu-system-aarch64',
    args: ['-machine', 'virt,memory-backend=ram'],
    // A57 cannot map pages of 16 KiB. A76 can, and has no pointer authentication, which is slow to emulate.
    cpus: { '4k': 'cortex-a57', '16k': 'cortex-a76' },
    console: 'ttyAMA0',
  },
};

function memoryArg({ memoryMiB, memoryFile }: MachineSpec): string {
  if (!memoryFile) return `memory-backend-ram,id=ram,size=${memoryMiB}M`;
  const { path, share } = memoryFile;
  return `memory-backend-file,id=ram,size=${memoryMiB}M,mem-path=${path},share=${share ? 'on' : 'off'}`;
}

/** The command line. All names of sockets, logs and disks are relative to the machine's own folder. */
export function machineCommand(spec: MachineSpec): [string, string[]] {
  const { program, args, cpus, console } = MODELS[spec.arch];
  const append = [`console=${console}`, 'panic=5', 'quiet', 'loglevel=5', ...spec.kernelArgs];
  const devices = [
    // Port 0: the host's kernel picks a free one. restrict: the guest reaches nothing outside.
    ...['-netdev', 'user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:0-:5555'],
    ...['-device', 'virtio-net-pci,netdev=net,romfile='],
    ...['-chardev', 'socket,id=root,path=root.sock,server=on,wait=off'],
    ...['-device', 'virtio-serial-pci', '-device', 'virtserialport,chardev=root,name=phone.root'],
    // The serial number is the partition's name. Read-only, so all phones share the file.
    ...['-drive', 'id=boot,if=none,format=raw,readonly=on,file=boot.img'],
    ...['-device', 'virtio-blk-pci,drive=boot,serial=boot_a'],
    ...['-chardev', 'file,id=console,path=console.log,append=on', '-serial', 'chardev:console'],
    ...['-qmp', 'unix:qmp.sock,server=on,wait=off'],
  ];
  const common = ['-accel', 'tcg', '-smp', '1', '-display', 'none', '-nodefaults', '-no-user-config'];
  const memory = ['-m', `${spec.memoryMiB}M`, '-object', memoryArg(spec)];
  const kernel = ['-kernel', spec.assets.kernel, '-initrd', spec.assets.initramfs, '-append', append.join(' ')];
  return [
    program,
    [
      ...args,
      '-cpu',
      cpus[spec.pages],
      ...common,
      ...memory,
      ...devices,
      ...kernel,
      ...(spec.from ? ['-incoming', 'defer'] : []),
    ],
  ];
}

/** A running QEMU. */
export class Machine {
  private openMonitor: Promise<Monitor> | undefined;
  readonly root: RootLine;

  constructor(
    readonly dir: string,
    readonly process: ProcessId,
  ) {
    this.root = new RootLine(join(dir, 'root.sock'));
  }

  static async start(dir: string, spec: MachineSpec, detached: boolean): Promise<Machine> {
    await mkdir(dir, { recursive: true });
    await symlink(spec.assets.bootImage, join(dir, 'boot.img'));
    if (spec.from) await copyFile(join(spec.from, 'console.log'), join(dir, 'console.log'));
    const [program, args] = machineCommand(spec);
    const machine = new Machine(dir, await launch(program, args, { cwd: dir, log: join(dir, 'qemu.log'), detached }));
    try {
      await machine.monitor();
    } catch (error) {
      await machine.end();
      throw new Error(`${program} did not start: ${await readFile(join(dir, 'qemu.log'), 'utf8')}`, { cause: error });
    }
    return machine;
  }

  monitor(): Promise<Monitor> {
    return (this.openMonitor ??= Monitor.open(join(this.dir, 'qmp.sock')));
  }

  console(): Promise<string> {
    return readFile(join(this.dir, 'console.log'), 'latin1');
  }

  async adbPort(): Promise<number> {
    const text = await (await this.monitor()).human('info usernet');
    const port = /HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)/.exec(text)?.[1];
    if (!port) throw new Error(`no forwarded port in: ${text}`);
    return Number(port);
  }

  /** QEMU's user network accepts connections for a guest that does not listen yet, so ask the guest itself. */
  async waitForAdbd(): Promise<void> {
    await waitFor('boot of the phone', 120_000, async () => {
      if (!isRunning(this.process)) throw new Error(`the machine ended\n${(await this.console()).slice(-2000)}`);
      return (await this.console()).includes('init: starting adbd') || undefined;
    });
    await this.root.check('until cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -q :15B3; do sleep 0.02; done');
  }

  /** Lets go of the sockets; the machine goes on. */
  async release(): Promise<void> {
    (await this.openMonitor?.catch(() => undefined))?.close();
    this.openMonitor = undefined;
    this.root.close();
  }

  async end(): Promise<void> {
    await this.release();
    await endProcess(this.process);
    forgetAtExit(this.process);
  }
}
