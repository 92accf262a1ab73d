import { decodeUtf8 } from '@kheaders/shared';
import * as native from 'native';
import * as os from 'os';
import * as std from 'std';
import { detach } from './detach.js';

/** Sent to the guard when the daemon ends in order. */
export const farewell = 'bye\n';

/** Larger than a state with many modules. */
const bufferSize = 16 * 1024;

/**
 * Waits for the daemon's end. If it said farewell, all is well; if not it was killed, and the guard becomes the daemon
 * through `takeOver`: it knows what was loaded, waits a moment for holders to come back, and unloads what nobody wants.
 */
export function runGuard(socket: number, takeOver: (last: string) => void): void {
  os.signal(os.SIGTERM, null);
  detach([socket]);
  native.setName('kheaders-guard');
  const last = readToEnd(socket);
  if (last === farewell) std.exit(0);
  os.close(socket);
  takeOver(last);
}

/** The last whole message before the end; each comes in one piece, as the daemon writes it. */
function readToEnd(socket: number): string {
  const buffer = new Uint8Array(bufferSize);
  let last = '';
  for (;;) {
    const count = os.read(socket, buffer.buffer, 0, bufferSize);
    if (count === -native.EINTR) continue;
    if (count <= 0) return last;
    last = lastMessage(decodeUtf8(buffer.subarray(0, count), true) ?? '');
  }
}

/** Several states may come at once. */
function lastMessage(text: string): string {
  const start = text.lastIndexOf('kheaders-lease ');
  return text.endsWith(farewell) ? farewell : text.slice(Math.max(0, start));
}
