import type { Device } from '../adb/device-list.js';
import { type Context, makeContext, throwIfAborted } from '../core/context.js';
import { KhError } from '../core/error.js';
import { listAttached } from '../device/attached.js';
import { findCache } from '../pull/find-cache.js';
import { type FetchOptions, findServer } from '../pull/options.js';
import type { Fetched } from '../pull/pull.js';
import { type DevicePull, type PullResult, pullDevice } from '../pull/pull-device.js';
import { Share } from '../pull/share.js';

/** What became of one device of many: a result, or the error that ended it. */
export type DeviceOutcome =
  { readonly serial: string; readonly result: PullResult } | { readonly serial: string; readonly error: unknown };

/** Phones worked on at once: their transfers share the host's USB and its two or more cores. */
const parallel = 8;

/**
 * Pulls from every ready device, several at a time; phones with one kernel share one download. A failing phone does
 * not stop the others: its error is its outcome. Errors: `no-device` if none is ready, `adb-unreachable`, `cancelled`.
 */
export async function pullAll(options: FetchOptions = {}): Promise<readonly DeviceOutcome[]> {
  const ctx = makeContext(options);
  const server = findServer(options);
  const cache = await findCache(options);
  ctx.report({ kind: 'step', step: 'connect' });
  const devices = await listAttached(server, ctx);
  const ready = devices.filter((device) => device.state === 'device');
  if (ready.length === 0) {
    const choices = devices.map((device) => `${device.serial} (${device.state})`);
    throw new KhError('no-device', 'No device is ready', { choices });
  }
  reportSkipped(devices, ctx);
  const share = new Share<Fetched>();
  return mapLimited(ready, (device) => pullOne({ server, device, cache, share }, options, ctx), ctx);
}

function reportSkipped(devices: readonly Device[], ctx: Context): void {
  for (const { serial, state } of devices) {
    if (state === 'device') continue;
    ctx.report({ kind: 'warning', serial, warning: 'skipped', message: `Skipped, it is in state "${state}"` });
  }
}

async function pullOne(target: DevicePull, options: FetchOptions, ctx: Context): Promise<DeviceOutcome> {
  const { serial } = target.device;
  try {
    return { serial, result: await pullDevice(target, options, ctx) };
  } catch (error) {
    throwIfAborted(ctx);
    return { serial, error };
  }
}

async function mapLimited<T, R>(items: readonly T[], work: (item: T) => Promise<R>, ctx: Context): Promise<R[]> {
  const results: R[] = new Array<R>(items.length);
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) {
      throwIfAborted(ctx);
      results[index] = await work(item);
    }
  };
  // All of them, also where one was cancelled: each has a phone and a staging directory to clean up.
  const ends = await Promise.allSettled(Array.from({ length: Math.min(parallel, items.length) }, worker));
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed) throw failed.reason;
  return results;
}
