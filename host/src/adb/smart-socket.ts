import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type Connection from '@devicefarmer/adbkit/dist/src/adb/connection.js';
import type Parser from '@devicefarmer/adbkit/dist/src/adb/parser.js';
import { KhError } from '../core/error.js';
import { parseFailure } from './failure.js';

/** One connection to the adb server: the bare socket and adbkit's reader on top of it. */
export interface ServerLink {
  readonly socket: Socket;
  readonly parser: InstanceType<typeof Parser.default>;
  /** What adbkit's own services (sync) are opened on. */
  readonly connection: InstanceType<typeof Connection.default>;
}

/** The length prefix has four hex digits; adbkit would write a fifth and lose the framing. */
const requestLimit = 0xffff;

/** Writes a request: four hex digits of length, then the text (AOSP docs: OVERVIEW.TXT). Errors: `adb-protocol`. */
export function writeRequest(link: ServerLink, service: string): void {
  const body = Buffer.from(service, 'utf8');
  if (body.length > requestLimit) {
    throw new KhError('adb-protocol', `A request of ${body.length} bytes is longer than adb allows`);
  }
  link.socket.write(Buffer.concat([Buffer.from(body.length.toString(16).padStart(4, '0')), body]));
}

/** Reads OKAY, or FAIL with its text. Errors: whatever parseFailure() makes of the text, `device-lost`, `adb-protocol`. */
export async function readStatus(link: ServerLink): Promise<void> {
  let status: string;
  let text = '';
  try {
    status = await untilClosed(link, link.parser.readAscii(4));
    if (status === 'FAIL') text = await readValue(link);
  } catch (error) {
    throw new KhError('device-lost', 'The adb server closed the connection without an answer', {}, error);
  }
  if (status === 'OKAY') return;
  if (status === 'FAIL') throw parseFailure(text);
  throw new KhError('adb-protocol', 'The adb server answered with neither OKAY nor FAIL', { output: status });
}

/** A value of the server: four hex digits of length, then the text. Rejects if the connection ends before. */
export async function readValue(link: ServerLink): Promise<string> {
  return (await untilClosed(link, link.parser.readValue())).toString('utf8');
}

/**
 * adbkit's reader does not see an end (we destroyed the socket, the server reset it) that comes between two reads, and
 * waits for ever in the second. A read that has succeeded settles a turn later, as every promise of Bluebird: it wins.
 */
export async function untilClosed<T>(link: Pick<ServerLink, 'socket'>, read: PromiseLike<T>): Promise<T> {
  const { socket } = link;
  return new Promise((resolve, reject) => {
    const onClose = (): void => {
      void nextTurn()
        .then(() => nextTurn())
        .then(() => reject(new Error('The connection is closed')));
    };
    if (socket.closed) onClose();
    else socket.once('close', onClose);
    Promise.resolve(read)
      .finally(() => socket.off('close', onClose))
      .then(resolve, reject);
  });
}
