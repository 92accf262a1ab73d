import { FrameReader } from '../../shared/src/agent/frame-reader.js';
import { encodeFrame, frameHeader, frameMagic } from '../../shared/src/agent/frame.js';
import type { Message } from '../../shared/src/agent/messages.js';
import { encodeUtf8 } from '../../shared/src/agent/utf8.js';
import { WireError } from '../../shared/src/agent/wire-error.js';
import type { PlainMessage } from './agent-messages.js';
import { formatHex, formatMessage, parseHex, toMessage } from './plain.js';
import type { RefusedFrame } from './refused-frames.js';

/**
 * The checks of golden and of refused frames. They run in any engine: the tests call them under Node, golden-entry.ts
 * under QuickJS. What is wrong is returned as text; nothing wrong, no text.
 */

const magic = encodeUtf8(frameMagic);

/** A frame decodes to its message and its message encodes to the frame, however the frame is cut. */
export function checkGolden(plain: PlainMessage, frame: Uint8Array): string[] {
  const expected = formatMessage(toMessage(plain));
  const encoded = encodeFrame(toMessage(plain));
  const problems = formatHex(encoded) === formatHex(frame) ? [] : [`encodes to ${formatHex(encoded)}`];
  const whole = readFrames(frame);
  if (whole !== expected) return [...problems, `decodes to ${whole}`];
  if (readFrames(...piecesOf(frame)) !== expected) problems.push('differs byte by byte');
  for (let at = 0; at < frame.length; at += 1) problems.push(...checkCut(frame, at, expected));
  return [...problems, ...checkLength(frame)];
}

/** A frame in two parts: nothing comes of the first, everything of the second. */
function checkCut(frame: Uint8Array, at: number, expected: string): string[] {
  const reader = new FrameReader();
  reader.push(magic);
  if (reader.push(frame.subarray(0, at)).length > 0) return [`a message from ${at} bytes`];
  if (reader.atBoundary !== (at === 0)) return [`atBoundary is ${reader.atBoundary} behind ${at} bytes`];
  const found = reader.push(frame.subarray(at)).map(formatMessage).join();
  if (found !== expected) return [`cut at ${at}: ${found}`];
  return reader.atBoundary ? [] : [`cut at ${at}: no boundary at the end`];
}

/** A payload that is one byte longer or shorter is another message, as where bytes are the last field, or none. */
function checkLength(frame: Uint8Array): string[] {
  const takesAll = [14, 68, 69].includes(frame[4] ?? 0);
  const longer = readFrames(resize(frame, frame.length + 1));
  const shorter = frame.length === frameHeader ? 'bad-message' : readFrames(resize(frame, frame.length - 1));
  const problems = [];
  if (longer.startsWith('bad-message: 1 bytes too many') === takesAll) problems.push(`a byte too many: ${longer}`);
  if (!takesAll && !shorter.startsWith('bad-message')) problems.push(`a byte too few: ${shorter}`);
  return problems;
}

function resize(frame: Uint8Array, length: number): Uint8Array {
  const resized = new Uint8Array(length);
  resized.set(frame.subarray(0, length));
  new DataView(resized.buffer).setUint32(0, length - frameHeader, true);
  return resized;
}

/** A frame is refused with its code and text, however it is cut, and nothing is taken after it. */
export function checkRefused({ hex, code, message }: RefusedFrame): string[] {
  const frame = parseHex(hex);
  const expected = `${code}: ${message}`;
  const problems = [];
  const whole = readFrames(frame);
  if (whole !== expected) problems.push(`gives ${whole}`);
  for (let at = 1; at < frame.length; at += 1) {
    const found = readFrames(frame.subarray(0, at), frame.subarray(at));
    if (found !== expected) problems.push(`cut at ${at}: ${found}`);
  }
  const found = readFrames(...piecesOf(frame), encodeFrame({ name: 'ping', id: 1, body: {} }));
  if (found !== expected) problems.push(`byte by byte: ${found}`);
  return problems;
}

/** What a reader makes of these pieces behind the magic: the messages as text, or code and text of the error. */
function readFrames(...pieces: readonly Uint8Array[]): string {
  const reader = new FrameReader();
  const found: Message[] = reader.push(magic);
  let failure: Error | undefined;
  for (const piece of pieces) {
    try {
      found.push(...reader.push(piece));
    } catch (error) {
      if (failure !== undefined && error !== failure) return `two errors: ${String(failure)}, ${String(error)}`;
      failure = error as Error;
    }
  }
  if (failure === undefined) return found.map(formatMessage).join();
  return failure instanceof WireError ? `${failure.code}: ${failure.message}` : `not coded: ${String(failure)}`;
}

function piecesOf(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (_byte, at) => bytes.subarray(at, at + 1));
}
