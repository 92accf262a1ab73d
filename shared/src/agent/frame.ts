import { Writer } from './fields.js';
import { type Message, messageBody, messages } from './messages.js';
import { WireError } from './wire-error.js';

/** Sent first in both directions. What comes before it (linker warnings, a banner of su) is skipped. */
export const frameMagic = 'kheaders-agent\n';
/** Length of the payload (u32), tag (u8), id (u32); then the payload. Little-endian. */
export const frameHeader = 9;
/** Largest payload: a data frame of the agent has at most this. */
export const payloadLimit = 128 * 1024;
/** More junk than this before the magic is an error. */
export const junkLimit = 64 * 1024;

/** The bytes of a message. */
export function encodeFrame(message: Message): Uint8Array {
  const writer = new Writer();
  writer.reserve(frameHeader);
  messageBody(message.name).write(writer, message.body);
  const bytes = writer.bytes();
  return putHeader(bytes, bytes.length - frameHeader, messages[message.name].tag, message.id);
}

/** Writes a frame's header into the first bytes of a buffer that has the payload behind it; returns the buffer. */
export function putHeader(frame: Uint8Array, length: number, tag: number, id: number): Uint8Array {
  if (length > payloadLimit) throw new WireError('bad-frame', `a payload of ${length} bytes`);
  const view = new DataView(frame.buffer, frame.byteOffset, frameHeader);
  view.setUint32(0, length, true);
  view.setUint8(4, tag);
  view.setUint32(5, id, true);
  return frame;
}
