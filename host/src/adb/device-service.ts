import { type Context, abortError } from '../core/context.js';
import { withDetails } from '../core/error.js';
import type { Device } from './device-list.js';
import { type AdbServer, destroyOnAbort, openHostService, openServices, readHostValue } from './server-connection.js';
import { type ServerLink, readStatus } from './smart-socket.js';

/** What addresses one device at one server. */
export interface DeviceAddress {
  readonly server: AdbServer;
  readonly serial: string;
  /** Preferred where known: it names this very connection of the device, so a replug is noticed. */
  readonly transportId?: string | undefined;
}

export function addressDevice(server: AdbServer, device: Device): DeviceAddress {
  return { server, serial: device.serial, transportId: device.transportId };
}

function formatTransport(address: DeviceAddress): string {
  return address.transportId === undefined
    ? `host:transport:${address.serial}`
    : `host:transport-id:${address.transportId}`;
}

/**
 * Opens any service of the device (`shell,v2,raw:…`, `root:`); the caller destroys the link's socket. `written`: see openServices().
 * Errors: `device-lost`, `device-offline`, `device-unauthorized`, `device-failed`, `adb-unreachable`.
 */
export async function openDeviceService(
  address: DeviceAddress,
  service: string,
  ctx: Context,
  written?: () => void,
): Promise<ServerLink> {
  try {
    return await openServices(address.server, [formatTransport(address), service], ctx, written);
  } catch (error) {
    throw withDetails(error, { serial: address.serial });
  }
}

/** `adb devices -l` as text, for parseDeviceList(). */
export async function readDeviceList(server: AdbServer, ctx: Context): Promise<string> {
  return readHostValue(server, 'host:devices-l', ctx);
}

/**
 * Waits until the device reaches a state. The server answers OKAY twice: request taken, state reached
 * (AOSP services.cpp, wait_for_state()). `state` is `device` or `disconnect`.
 */
export async function waitForState(
  address: DeviceAddress,
  state: 'device' | 'disconnect',
  ctx: Context,
): Promise<void> {
  const subject =
    state === 'disconnect' && address.transportId !== undefined
      ? `host-transport-id:${address.transportId}`
      : `host-serial:${address.serial}`;
  await waitForAny(address.server, `${subject}:wait-for-any-${state}`, ctx);
}

/** Sends a wait-for request that needs no particular device, e.g. `host:wait-for-any-device`. */
export async function waitForAny(server: AdbServer, request: string, ctx: Context): Promise<void> {
  const link = await openHostService(server, request, ctx);
  const detach = destroyOnAbort(link.socket, ctx);
  try {
    await readStatus(link);
  } catch (error) {
    if (ctx.signal.aborted) throw abortError(ctx.signal);
    throw error;
  } finally {
    detach();
    link.socket.destroy();
  }
}
