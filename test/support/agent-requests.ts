import { createHash } from 'node:crypto';
import type { MessageBody } from '@kheaders/shared';
import { type AgentProcess, type Request, expectName } from './agent-process.js';

export const ping: Request = { name: 'ping', body: {} };
export const statOf = (path: string): Request => ({ name: 'stat', body: { path } });
export const readOf = (path: string, offset = 0, digest = false): Request => ({
  name: 'read',
  body: { path, offset, digest },
});

export const cancelOf = (request: number): Request => ({ name: 'cancel', body: { request } });

export function sha256(...parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/** The bytes of a read, and its end. */
export async function readAll(
  agent: AgentProcess,
  request: Request,
): Promise<{ bytes: Buffer; size: number; digest: string }> {
  const messages = await agent.all(agent.send(request)[0]!);
  const end = expectName(messages.at(-1)!, 'end');
  const pieces = messages.slice(0, -1).map((message) => expectName(message, 'data').bytes);
  return { bytes: Buffer.concat(pieces), size: end.size, digest: Buffer.from(end.digest).toString('hex') };
}

export async function askError(agent: AgentProcess, request: Request): Promise<MessageBody<'error'>> {
  return expectName(await agent.ask(request), 'error');
}
