import type { Message } from '../../shared/src/agent/messages.js';
import type { PlainMessage } from './agent-messages.js';

/** Messages to and from plain data. Runs in any engine, so there are no regular expressions: the agent's has none. */

/** The message that plain data stands for. */
export function toMessage(plain: PlainMessage): Message {
  return revive(plain) as Message;
}

function revive(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revive);
  if (typeof value !== 'object' || value === null) return value;
  if ('hex' in value) return parseHex(value.hex as string);
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, revive(part)]));
}

/** A message as text: two messages with the same text are the same. */
export function formatMessage(message: Message): string {
  return JSON.stringify(strip(message));
}

/** Not a replacer of JSON.stringify: that comes too late for a Buffer, which has a toJSON of its own. */
function strip(value: unknown): unknown {
  if (value instanceof Uint8Array) return { hex: formatHex(value) };
  if (Array.isArray(value)) return value.map(strip);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, strip(part)]));
}

/** Bytes of hex digits; spaces between them are skipped. */
export function parseHex(text: string): Uint8Array {
  const digits = text.split(' ').join('');
  const bytes = Uint8Array.from({ length: digits.length / 2 }, (_none, at) =>
    parseInt(digits.slice(2 * at, 2 * at + 2), 16),
  );
  if (formatHex(bytes) !== digits) throw new TypeError(`not hex: ${text}`);
  return bytes;
}

export function formatHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
