import type { Device } from '../adb/device-list.js';
import { addressDevice } from '../adb/device-service.js';
import type { AdbServer } from '../adb/server-connection.js';
import type { Cache, Entry } from '../cache/format.js';
import { findByIdentity } from '../cache/identity-index.js';
import { type Context, makeContext, throwIfAborted, withDeadline, withSerial } from '../core/context.js';
import { isKhError } from '../core/error.js';
import { listAttached } from '../device/attached.js';
import type { Probe } from '../device/probe.js';
import { openShellSession } from '../device/shell-session.js';
import { findCache } from './find-cache.js';
import { type AdbOptions, type CacheOptions, allSources, findServer } from './options.js';
import { type Attempt, planAttempts } from './plan.js';

/** An attached device and what a pull would do with it. */
export interface DeviceReport {
  readonly serial: string;
  readonly state: string;
  readonly transportId?: string | undefined;
  readonly model?: string | undefined;
  readonly abi?: string | undefined;
  readonly release?: string | undefined;
  /** The first source a pull would try, whether it needs root; or the code of the error a pull would end in. */
  readonly source?: string | undefined;
  readonly needsRoot?: boolean | undefined;
  /** The entry of this very kernel, if the cache has one. */
  readonly cached?: Entry | undefined;
  /** Why the device could not be asked. */
  readonly error?: unknown;
}

const askMilliseconds = 15_000;

/**
 * Lists the attached devices with their kernels; asks each ready one, without root and without touching its module. A
 * device that does not answer is listed with its error. Errors: `adb-unreachable`, `tool-missing`, `cancelled`.
 */
export async function listDevices(options: AdbOptions & CacheOptions = {}): Promise<readonly DeviceReport[]> {
  const ctx = makeContext(options);
  const server = findServer(options);
  const cache = await findCache(options);
  const devices = await listAttached(server, ctx);
  return Promise.all(devices.map((device) => describeDevice(server, device, cache, ctx)));
}

async function describeDevice(server: AdbServer, device: Device, cache: Cache, ctx: Context): Promise<DeviceReport> {
  const { serial, state, transportId, model } = device;
  const seen = { serial, state, transportId, model };
  if (state !== 'device') return seen;
  using deadline = withDeadline(withSerial(ctx, serial), askMilliseconds, 'asking the device');
  try {
    await using session = openShellSession(addressDevice(server, device), { root: 'none' }, deadline);
    await using asked = await session.openProbe(deadline);
    const probe = await asked.finish();
    const { abi, identity } = probe;
    const cached = await findByIdentity(cache, identity);
    return { ...seen, abi, release: identity.release, ...describeSource(probe), cached };
  } catch (error) {
    throwIfAborted(ctx);
    return { ...seen, error };
  }
}

function describeSource(probe: Probe): Pick<DeviceReport, 'source' | 'needsRoot'> {
  try {
    const [first]: readonly Attempt[] = planAttempts(probe, { root: 'auto', sources: new Set(allSources) });
    return { source: first?.request.kind, needsRoot: first?.asRoot };
  } catch (error) {
    return { source: isKhError(error) ? error.code : 'unknown' };
  }
}
