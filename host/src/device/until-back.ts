import { type DeviceAddress, waitForState } from '../adb/device-service.js';
import { readHostValue } from '../adb/server-connection.js';
import type { Context } from '../core/context.js';

/**
 * Waits until a device is ready again; its address must be the serial alone. One connected over TCP is reconnected by
 * us: the server would do it by itself only after 10 s.
 */
export async function waitUntilBack(address: DeviceAddress, ctx: Context): Promise<void> {
  if (/:\d+$/.test(address.serial)) {
    await readHostValue(address.server, `host:connect:${address.serial}`, ctx).catch(() => '');
  }
  await waitForState(address, 'device', ctx);
}
