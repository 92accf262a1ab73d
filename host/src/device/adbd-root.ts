import { type DeviceAddress, openDeviceService, waitForState } from '../adb/device-service.js';
import { destroyOnAbort } from '../adb/server-connection.js';
import { type Context, withDeadline } from '../core/context.js';
import { KhError, isKhError } from '../core/error.js';
import { waitUntilBack } from './until-back.js';

export interface AdbdRestart {
  /** False where adbd declined or already was what we asked for. */
  readonly restarted: boolean;
  /** adbd's own words. */
  readonly answer: string;
  /** The device after a restart; its transport id is not known any more. */
  readonly address: DeviceAddress;
}

/** adb itself waits 12 s for a device to come back from `adb root` (AOSP commandline.cpp, adb_root()). */
const returnMilliseconds = 20_000;

/**
 * `adb root` or `adb unroot`: asks adbd, reads its whole answer (adbd restarts only when this socket closes), then
 * waits until the old transport is gone and the device is back. Errors: `device-lost` if it does not come back.
 */
export async function switchAdbd(address: DeviceAddress, to: 'root' | 'unroot', ctx: Context): Promise<AdbdRestart> {
  const answer = await readAnswer(address, `${to}:`, ctx);
  if (!answer.includes('restarting')) return { restarted: false, answer: answer.trim(), address };
  const back: DeviceAddress = { server: address.server, serial: address.serial };
  using deadline = withDeadline(ctx, returnMilliseconds, `adb ${to}`);
  try {
    if (address.transportId !== undefined) await waitForState(address, 'disconnect', deadline);
    await waitUntilBack(back, deadline);
  } catch (error) {
    if (ctx.signal.aborted || !isKhError(error, 'timeout')) throw error;
    const details = { serial: address.serial, reason: to };
    throw new KhError('device-lost', `The device did not come back from adb ${to}`, details, error);
  }
  return { restarted: true, answer: answer.trim(), address: back };
}

async function readAnswer(address: DeviceAddress, service: string, ctx: Context): Promise<string> {
  const { socket } = await openDeviceService(address, service, ctx);
  const detach = destroyOnAbort(socket, ctx);
  let text = '';
  try {
    for await (const chunk of socket) text += (chunk as Buffer).toString('utf8');
  } catch {
    // The transport may go down while adbd's answer is still being closed; the answer is what counts.
  } finally {
    detach();
  }
  return text;
}
