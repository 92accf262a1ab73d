import { type AdbServer, makeAdbServer } from '../adb/server-connection.js';
import { type ServerFlags, parseServerAddress } from '../adb/server-address.js';
import type { OperationOptions } from '../core/context.js';
import { readEnvironment } from '../core/environment.js';
import { type AgentFiles, findAgents } from '../device/agent-files.js';
import type { RootPolicy } from '../device/root.js';
import type { DeviceSelector } from '../device/select.js';
import type { AttemptKind } from './plan.js';

/** Where the adb server is; what is absent comes from adb's own environment variables. */
export interface AdbOptions extends OperationOptions {
  readonly adb?: ServerFlags | undefined;
}

/** Where the cache is; absent: $KHEADERS_CACHE, $XDG_CACHE_HOME/kheaders, or the platform's place. */
export interface CacheOptions extends OperationOptions {
  readonly cacheDir?: string | undefined;
}

/** How to pull, whatever the device. */
export interface FetchOptions extends AdbOptions, CacheOptions {
  /** Default `auto`. */
  readonly root?: RootPolicy | undefined;
  /** Which sources may be used; default all. Leaving out `module` promises that nothing is loaded. */
  readonly sources?: readonly AttemptKind[] | undefined;
  /** Ask the phone even if the cache knows its kernel. */
  readonly force?: boolean | undefined;
  /** False: use the phone's own shell alone, and put no helper program on it. Default true. */
  readonly agent?: boolean | undefined;
}

export interface PullOptions extends FetchOptions {
  /** Default: $ANDROID_SERIAL, else the only device. */
  readonly device?: DeviceSelector | undefined;
  /** A file to take the headers from: an image of the very kernel the phone runs. Nothing is loaded. */
  readonly image?: string | undefined;
  /** Seconds to wait for the device to come; Infinity for ever; absent or 0: do not wait. */
  readonly waitSeconds?: number | undefined;
}

export const allSources: readonly AttemptKind[] = ['live', 'module', 'carve'];

/** Errors: `usage` for an address that is none. */
export function findServer(options: AdbOptions): AdbServer {
  const { env } = readEnvironment();
  return makeAdbServer(parseServerAddress(options.adb ?? {}, env), env);
}

/** The selector, or $ANDROID_SERIAL as adb takes it, or the only device. */
export function findSelector(selector: DeviceSelector | undefined): DeviceSelector {
  const serial = readEnvironment().env['ANDROID_SERIAL'];
  return selector ?? (serial ? { kind: 'serial', serial } : { kind: 'any' });
}

/** The helper programs to use; undefined where this package has none, or none is wanted. */
export function chooseAgents({ agent }: Pick<FetchOptions, 'agent'>): AgentFiles | undefined {
  return agent === false ? undefined : findAgents(readEnvironment().env['KHEADERS_AGENT_DIR']);
}
