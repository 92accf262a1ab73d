import type { Socket } from 'node:net';
import { KhError } from '../core/error.js';
import { parseFailure } from './failure.js';

/** One connection to the adb server. */
export interface ServerLink {
  readonly socket: Socket;
}

/** What the four hex digits of the length prefix can say. */
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
    status = (await readBytes(link, 4)).toString('latin1');
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
  const digits = (await readBytes(link, 4)).toString('latin1');
  if (!/^[0-9a-f]{4}$/i.test(digits)) throw new Error('The length of a value is no number');
  return (await readBytes(link, Number.parseInt(digits, 16))).toString('utf8');
}

/** Takes so many bytes and leaves the rest in the socket, for whoever reads on. */
async function readBytes({ socket }: ServerLink, count: number): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  while (bytes.length < count) {
    // All there is: asked for more than that, a stream announces the same bytes again and again.
    const chunk = socket.read() as Buffer | null;
    if (chunk !== null) bytes = Buffer.concat([bytes, chunk]);
    else if (socket.readableEnded || socket.destroyed) throw new Error('The connection is closed');
    else await untilEvent(socket, ['readable', 'end', 'close']);
  }
  if (bytes.length > count) socket.unshift(bytes.subarray(count));
  return bytes.subarray(0, count);
}

async function untilEvent(socket: Socket, names: readonly string[]): Promise<void> {
  await new Promise<void>((resolve) => {
    const settle = (): void => {
      for (const name of names) socket.off(name, settle);
      resolve();
    };
    for (const name of names) socket.on(name, settle);
  });
}
