import { once } from 'node:events';
import { Readable } from 'node:stream';
import type SyncModule from '@devicefarmer/adbkit/dist/src/adb/sync.js';
import { type Context, abortError } from '../core/context.js';
import { KhError } from '../core/error.js';
import { type DeviceAddress, openDeviceService } from './device-service.js';
import { destroyOnAbort } from './server-connection.js';
import { untilClosed } from './smart-socket.js';

/** A file to be written on the device. */
export interface PushedFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Permission bits. */
  readonly mode: number;
}

/** adbd refuses longer ones (AOSP file_sync_service.cpp). */
const pathLimit = 1024;

/** adbkit's Sync speaks adb's file protocol; see importConnection() for how it is imported. */
async function importSync(): Promise<typeof SyncModule.default> {
  const module = await import('@devicefarmer/adbkit/dist/src/adb/sync.js');
  const found: typeof SyncModule | typeof SyncModule.default = module.default;
  return 'default' in found ? found.default : found;
}

/**
 * Writes a small file on the device as `adb push` does; a file that is there is replaced by a new one. It is all handed
 * to the socket at once: adbkit does not wait for a slow device. Errors: `device-failed` with the device's own words,
 * `device-lost`, those of openDeviceService().
 */
export async function pushFile(address: DeviceAddress, { path, bytes, mode }: PushedFile, ctx: Context): Promise<void> {
  if (Buffer.byteLength(path) > pathLimit) {
    throw new KhError('device-failed', 'The path is longer than adb allows', { devicePath: path });
  }
  const Sync = await importSync();
  const link = await openDeviceService(address, 'sync:', ctx);
  const detach = destroyOnAbort(link.socket, ctx);
  const source = new Readable({ read: () => undefined });
  source.on('error', () => undefined);
  source.push(bytes);
  source.push(null);
  try {
    const transfer = new Sync(link.connection).pushStream(source, path, mode);
    const ended = once(transfer, 'end');
    transfer.on('error', () => undefined);
    await untilClosed(link, ended);
  } catch (error) {
    throw ctx.signal.aborted ? abortError(ctx.signal) : describe(error, { serial: address.serial, devicePath: path });
  } finally {
    detach();
    link.socket.destroy();
    source.destroy();
  }
}

function describe(error: unknown, details: { readonly serial: string; readonly devicePath: string }): KhError {
  const refusal = error instanceof Error ? /^Failure: '(.*)'$/s.exec(error.message)?.[1] : undefined;
  if (refusal === undefined) {
    return new KhError('device-lost', 'The connection to the device broke off while a file was pushed', details, error);
  }
  const output = refusal.slice(0, 1000);
  return new KhError('device-failed', 'The device refused to take a file', { ...details, output }, error);
}
