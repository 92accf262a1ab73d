import { setTimeout as sleep } from 'node:timers/promises';
import { type Device, parseDeviceList } from '../adb/device-list.js';
import { readDeviceList } from '../adb/device-service.js';
import type { AdbServer } from '../adb/server-connection.js';
import { type Context, abortError, withDeadline } from '../core/context.js';
import { type KhError, isKhError } from '../core/error.js';
import { type DeviceSelector, selectDevice } from './select.js';

/** All devices the adb server knows, in its order. Errors: `adb-unreachable`, `tool-missing`. */
export async function listAttached(server: AdbServer, ctx: Context): Promise<readonly Device[]> {
  return parseDeviceList(await readDeviceList(server, ctx));
}

/** The one ready device a selector names. Errors: as selectDevice(). */
export async function findDevice(server: AdbServer, selector: DeviceSelector, ctx: Context): Promise<Device> {
  return selectDevice(await listAttached(server, ctx), selector);
}

const pollMilliseconds = 250;

/**
 * findDevice(), asked again until the device is there and ready. `seconds` is the longest wait; Infinity waits for
 * ever. Asking again is cheap, and survives a restart of the adb server, which its own wait-for does not.
 * Errors: as findDevice() when the time is over.
 */
export async function waitForDevice(
  server: AdbServer,
  selector: DeviceSelector,
  seconds: number,
  ctx: Context,
): Promise<Device> {
  if (seconds === Infinity) return pollDevice(server, selector, ctx);
  let last: KhError | undefined;
  using deadline = withDeadline(ctx, seconds * 1000, 'waiting for the device');
  try {
    return await pollDevice(server, selector, deadline, (error) => (last = error));
  } catch (error) {
    throw isKhError(error, 'timeout') && !ctx.signal.aborted && last !== undefined ? last : error;
  }
}

async function pollDevice(
  server: AdbServer,
  selector: DeviceSelector,
  ctx: Context,
  onMissing: (error: KhError) => void = () => undefined,
): Promise<Device> {
  ctx.report({ kind: 'step', step: 'connect', detail: 'waiting for the device' });
  for (;;) {
    try {
      return await findDevice(server, selector, ctx);
    } catch (error) {
      if (!isMissing(error)) throw error;
      onMissing(error);
    }
    await sleep(pollMilliseconds, undefined, { signal: ctx.signal }).catch(() => {
      throw abortError(ctx.signal);
    });
  }
}

function isMissing(error: unknown): error is KhError {
  if (!isKhError(error)) return false;
  return ['no-device', 'device-offline', 'device-unauthorized', 'adb-unreachable'].includes(error.code);
}
