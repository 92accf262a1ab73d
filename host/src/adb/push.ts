import { once } from 'node:events';
import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type ConnectionModule from '@devicefarmer/adbkit/dist/src/adb/connection.js';
import type ParserModule from '@devicefarmer/adbkit/dist/src/adb/parser.js';
import type SyncModule from '@devicefarmer/adbkit/dist/src/adb/sync.js';
import { type Context, abortError } from '../core/context.js';
import { KhError } from '../core/error.js';
import { type DeviceAddress, openDeviceService } from './device-service.js';
import { destroyOnAbort } from './server-connection.js';
import type { ServerLink } from './smart-socket.js';

/** A file to be written on the device. */
export interface PushedFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Permission bits. */
  readonly mode: number;
}

/** adbd refuses longer ones (AOSP file_sync_service.cpp). */
const pathLimit = 1024;

/**
 * adbkit's Sync speaks adb's file protocol. Its modules are imported one by one and only when something is pushed: the
 * package's entry also loads its key and USB parts, 75 ms of start-up.
 */
async function openSync({ socket }: ServerLink): Promise<SyncModule.default> {
  const [connection, parser, sync] = await Promise.all([
    import('@devicefarmer/adbkit/dist/src/adb/connection.js'),
    import('@devicefarmer/adbkit/dist/src/adb/parser.js'),
    import('@devicefarmer/adbkit/dist/src/adb/sync.js'),
  ]);
  const Connection = classOf<typeof ConnectionModule.default>(connection.default);
  const Parser = classOf<typeof ParserModule.default>(parser.default);
  const Sync = classOf<typeof SyncModule.default>(sync.default);
  return new Sync(Object.assign(new Connection(), { socket, parser: new Parser(socket) }));
}

/** Node and the build give module.exports as `default`; tsx, which runs the sources, gives the class itself. */
function classOf<C>(found: C | { readonly default: C }): C {
  return typeof found === 'function' ? found : (found as { readonly default: C }).default;
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
  const link = await openDeviceService(address, 'sync:', ctx);
  const detach = destroyOnAbort(link.socket, ctx);
  const source = new Readable({ read: () => undefined });
  source.on('error', () => undefined);
  source.push(bytes);
  source.push(null);
  try {
    const transfer = (await openSync(link)).pushStream(source, path, mode);
    const ended = once(transfer, 'end');
    transfer.on('error', () => undefined);
    await orClosed(link, ended);
  } catch (error) {
    throw ctx.signal.aborted ? abortError(ctx.signal) : describe(error, { serial: address.serial, devicePath: path });
  } finally {
    detach();
    link.socket.destroy();
    source.destroy();
  }
}

/**
 * adbkit's reader does not see an end (we destroyed the socket, the server reset it) that comes between two reads, and
 * waits for ever in the second. A read that has succeeded settles a turn later, as every promise of Bluebird: it wins.
 */
async function orClosed({ socket }: ServerLink, work: Promise<unknown>): Promise<void> {
  const closed = (socket.closed ? Promise.resolve([]) : once(socket, 'close')).then(async () => {
    await nextTurn();
    await nextTurn();
    throw new Error('The connection is closed');
  });
  await Promise.race([work, closed]);
}

function describe(error: unknown, details: { readonly serial: string; readonly devicePath: string }): KhError {
  const refusal = error instanceof Error ? /^Failure: '(.*)'$/s.exec(error.message)?.[1] : undefined;
  if (refusal === undefined) {
    return new KhError('device-lost', 'The connection to the device broke off while a file was pushed', details, error);
  }
  const output = refusal.slice(0, 1000);
  return new KhError('device-failed', 'The device refused to take a file', { ...details, output }, error);
}
