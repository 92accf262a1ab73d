import type { AgentLink } from '../device/agent-link.js';
import { AgentFailure } from '../device/agent-refusal.js';

/**
 * A whole file of the phone, read by the helper; undefined where it has more bytes than `limit`. Errors: AgentRefusal
 * where the phone refuses it, which leaves the link as it is; AgentFailure, those of the connection.
 */
export async function readRemote(link: AgentLink, path: string, limit: number): Promise<Buffer | undefined> {
  const id = link.request({ name: 'read', body: { path, offset: 0, digest: false } });
  const pieces: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const message = await link.next(id);
    if (message.name === 'end') return size > limit ? undefined : Buffer.concat(pieces);
    if (message.name !== 'data') throw new AgentFailure('framing', `it sent ${message.name} in place of data`);
    size += message.body.bytes.length;
    if (size <= limit) pieces.push(message.body.bytes);
    else pieces.length = 0;
  }
}
