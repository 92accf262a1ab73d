import type { Device } from '../adb/device-list.js';
import { addressDevice } from '../adb/device-service.js';
import { type Context, makeContext, withSerial } from '../core/context.js';
import { quietly } from '../core/disposal.js';
import { withDetails } from '../core/error.js';
import { AgentControl, type AgentState } from '../device/agent-control.js';
import { findDevice } from '../device/attached.js';
import type { RootPolicy } from '../device/root.js';
import type { DeviceSelector } from '../device/select.js';
import { type AdbOptions, chooseAgents, findSelector, findServer } from './options.js';

export interface AgentOptions extends AdbOptions {
  /** Default: $ANDROID_SERIAL, else the only device. */
  readonly device?: DeviceSelector | undefined;
  /** How to become root, which the lease daemon asks for; default `auto`. */
  readonly root?: RootPolicy | undefined;
}

/** One holder of a module. */
export interface AgentLease {
  /** `user@host pid N`, as that host says it. */
  readonly holder: string;
  readonly module: string;
  /** The helper's process on the phone. */
  readonly pid: number;
  readonly milliseconds: number;
}

/** The process on the phone that holds modules for as long as anybody reads them. */
export interface AgentDaemon {
  readonly build: string;
  readonly pid: number;
  /** The process that takes over when the daemon is killed; 0: there is none. */
  readonly guard: number;
  /** Resident memory of both, in bytes. */
  readonly memory: number;
  readonly milliseconds: number;
  /** It outlives a restart of adbd. */
  readonly detached: boolean;
  /** Modules it loaded and will unload. */
  readonly modules: readonly string[];
  readonly leases: readonly AgentLease[];
}

export interface AgentStatus {
  readonly serial: string;
  readonly model?: string | undefined;
  /** The helper of this package, where it is on the phone. */
  readonly installed?: { readonly path: string; readonly build: string } | undefined;
  /** Files of other versions. */
  readonly others: readonly string[];
  /** Whether a daemon runs; undefined where the phone does not tell. */
  readonly running?: boolean | undefined;
  /** Absent where none runs, or none could be asked: that needs root and an installed helper. */
  readonly daemon?: AgentDaemon | undefined;
}

/** Says what there is of ours on a phone. Starts nothing. Errors: those of the connection, `agent-refused`. */
export async function agentStatus(options: AgentOptions = {}): Promise<AgentStatus> {
  return withControl(options, async (control, device, ctx) => describe(await control.look(ctx), device));
}

/** Puts the helper on a phone; `pushed` is false where it was there. Errors: `agent-refused`, those of the connection. */
export async function agentInstall(
  options: AgentOptions = {},
): Promise<{ readonly serial: string; readonly path: string; readonly pushed: boolean }> {
  return withControl(options, async (control, { serial }, ctx) => ({ serial, ...(await control.install(ctx)) }));
}

export interface AgentStopped extends AgentStatus {
  /** False where it is in use, or there again. */
  readonly stopped: boolean;
}

/** Asks the lease daemon to end, if one runs. Errors: `agent-refused`, `not-root`, those of the connection. */
export async function agentStop(options: AgentOptions = {}): Promise<AgentStopped> {
  return withControl(options, async (control, device, ctx) => {
    const state = await control.stop(await control.look(ctx), ctx);
    return { ...describe(state, device), stopped: state.running === false };
  });
}

export interface AgentUninstalled {
  readonly serial: string;
  readonly removed: readonly string[];
  /** Files that could not be removed. */
  readonly left: readonly string[];
  /** False where a daemon still runs: it needs no file, and ends by itself when nobody uses it. */
  readonly stopped: boolean;
}

/** Stops the daemon where that can be done and removes all files of ours. Errors: those of the connection. */
export async function agentUninstall(options: AgentOptions = {}): Promise<AgentUninstalled> {
  return withControl(options, async (control, { serial }, ctx) => {
    const before = await control.look(ctx);
    const asked = before.installed !== undefined && before.daemon !== undefined;
    const { running } = asked ? await control.stop(before, ctx) : before;
    const left = await control.remove(ctx);
    const removed = before.files.filter((path) => !left.includes(path));
    return { serial, removed, left, stopped: running === false };
  });
}

async function withControl<T>(
  options: AgentOptions,
  work: (control: AgentControl, device: Device, ctx: Context) => Promise<T>,
): Promise<T> {
  const ctx = makeContext(options);
  const server = findServer(options);
  const device = await findDevice(server, findSelector(options.device), ctx);
  const inner = withSerial(ctx, device.serial);
  const control = new AgentControl(addressDevice(server, device), { root: options.root ?? 'auto' }, chooseAgents({}));
  try {
    return await work(control, device, inner);
  } catch (error) {
    throw withDetails(error, { serial: device.serial });
  } finally {
    await quietly(inner, 'put adbd back to its user (type: adb unroot)', () => control.undo(inner));
  }
}

function describe({ files, installed, running, daemon }: AgentState, device: Device): AgentStatus {
  const build = chooseAgents({})?.build ?? '';
  return {
    serial: device.serial,
    model: device.model,
    installed: installed === undefined ? undefined : { path: installed, build },
    others: files.filter((path) => path !== installed),
    running,
    daemon: daemon === undefined ? undefined : describeDaemon(daemon),
  };
}

function describeDaemon(state: NonNullable<AgentState['daemon']>): AgentDaemon {
  const { build, daemon: pid, guard, memory, milliseconds, detached, modules, leases } = state;
  return { build, pid, guard, memory: memory * 1024, milliseconds, detached, modules, leases };
}
