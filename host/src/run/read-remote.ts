import type { AgentLink } from '../device/agent-link.js';
import { AgentFailure } from '../device/agent-refusal.js';

/**
 * A file of the phone, read by the helper; undefined where it has more bytes than `limit`. `measure` is asked once, with the
 * first message of it (128 KiB, or all there is), and may say how many bytes are enough: no more are returned, and the rest is
 * not read. Errors: AgentRefusal where the phone refuses it, which leaves the link as it is; AgentFailure, those of the
 * connection.
 */
export async function readRemote(
  link: AgentLink,
  path: string,
  limit: number,
  measure: (head: Uint8Array) => number | undefined = () => undefined,
): Promise<Buffer | undefined> {
  const id = link.request({ name: 'read', body: { path, offset: 0, digest: false } });
  const pieces: Uint8Array[] = [];
  let size = 0;
  let enough = Infinity;
  for (;;) {
    const message = await link.next(id);
    if (message.name === 'end') return size > limit ? undefined : Buffer.concat(pieces);
    if (message.name !== 'data') throw new AgentFailure('framing', `it sent ${message.name} in place of data`);
    if (size === 0) enough = measure(message.body.bytes) ?? Infinity;
    size += message.body.bytes.length;
    if (size <= limit) pieces.push(message.body.bytes);
    else pieces.length = 0;
    if (size < Math.min(enough, limit + 1)) continue;
    await cancelRead(link, id);
    return size > limit ? undefined : Buffer.concat(pieces).subarray(0, enough);
  }
}

/** Takes what is still on the way: the answer to the cancel, and the end of the read, whichever it is, in either order. */
async function cancelRead(link: AgentLink, id: number): Promise<void> {
  const cancel = link.request({ name: 'cancel', body: { request: id } });
  const open = new Set([id, cancel]);
  while (open.size > 0) {
    const message = await link.receive();
    if (!open.has(message.id)) throw new AgentFailure('framing', `it answered ${message.id}, not ${id}`);
    if (message.name !== 'data') open.delete(message.id);
  }
}
