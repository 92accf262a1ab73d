import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

/**
 * What the adb server of this port answers to a host service, as `host:devices`: OKAY or FAIL, four hex digits of length,
 * the text (AOSP, adb's OVERVIEW.TXT). The adb program says the same, for 50 ms of a processor each time. Starts no server.
 * Not by the product's own client: what the tests are about does not set them up.
 */
export async function askServer(port: number, service: string, timeoutMs: number): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`adb server: nothing to ${service} in ${timeoutMs} ms`)));
  socket.write(service.length.toString(16).padStart(4, '0') + service);
  const answer = await text(socket);
  if (!answer.startsWith('OKAY')) throw new Error(`adb server: ${service}: ${answer}`);
  return answer.slice(8);
}
