import { Reader } from './fields.js';
import { frameHeader, frameMagic, junkLimit, payloadLimit } from './frame.js';
import { type Message, findMessageName, messageBody, messages } from './messages.js';
import { encodeUtf8 } from './utf8.js';
import { WireError } from './wire-error.js';

const magic = encodeUtf8(frameMagic);

/**
 * Turns a stream of bytes, cut anywhere, into messages. After an error it takes nothing more: the link is lost.
 *
 * The bytes of a `data` message may be part of what was pushed: use them before that buffer is used again.
 */
export class FrameReader {
  /** Bytes before the magic, and those of it so far. */
  #skipped = 0;
  /** How many bytes of the magic have been seen; all of them: the stream has begun. */
  #matched = 0;
  readonly #header = new Uint8Array(frameHeader);
  #headerFilled = 0;
  #payload: Uint8Array | undefined;
  #payloadFilled = 0;
  #failed: WireError | undefined;
  readonly #inPieces: boolean;

  /**
   * `inPieces`: a `data` message that comes in pieces is handed on as one message for each piece, which says the same: its
   * bytes need not be put together, and the first are there sooner.
   */
  constructor({ inPieces = false } = {}) {
    this.#inPieces = inPieces;
  }

  /** True once the magic has been seen. */
  get begun(): boolean {
    return this.#matched === magic.length;
  }

  /** True between frames: a stream may end here. */
  get atBoundary(): boolean {
    return this.#headerFilled === 0;
  }

  /** Takes bytes and returns the messages they complete. Errors: WireError `bad-frame`, `bad-message`. */
  push(bytes: Uint8Array): Message[] {
    if (this.#failed !== undefined) throw this.#failed;
    try {
      const found: Message[] = [];
      for (let at = this.#skipJunk(bytes); at < bytes.length;) at = this.#step(bytes, at, found);
      return found;
    } catch (error) {
      this.#failed = error instanceof WireError ? error : new WireError('internal', String(error));
      throw this.#failed;
    }
  }

  /** Looks for the magic; returns where the frames begin. The magic's first byte occurs in it once only. */
  #skipJunk(bytes: Uint8Array): number {
    let at = 0;
    for (; at < bytes.length && this.#matched < magic.length; at += 1) {
      if (bytes[at] === magic[this.#matched]) this.#matched += 1;
      else this.#matched = bytes[at] === magic[0] ? 1 : 0;
      this.#skipped += 1;
      if (this.#skipped - this.#matched > junkLimit) throw new WireError('bad-frame', 'no frames, only text');
    }
    return at;
  }

  /** Takes the next part of a frame; returns how far it got. */
  #step(bytes: Uint8Array, at: number, found: Message[]): number {
    if (this.#headerFilled < frameHeader) {
      const part = bytes.subarray(at, at + frameHeader - this.#headerFilled);
      this.#header.set(part, this.#headerFilled);
      this.#headerFilled += part.length;
      if (this.#headerFilled === frameHeader && this.#length() === 0) found.push(this.#finish(new Uint8Array(0)));
      return at + part.length;
    }
    const length = this.#length();
    if (this.#payloadFilled === 0 && bytes.length - at >= length) {
      found.push(this.#finish(bytes.subarray(at, at + length)));
      return at + length;
    }
    if (this.#inPieces && this.#header[4] === messages.data.tag) return this.#pass(bytes, at, length, found);
    return this.#fill(bytes, at, length, found);
  }

  /** A piece of a data message, as a message of its own. */
  #pass(bytes: Uint8Array, at: number, length: number, found: Message[]): number {
    const part = bytes.subarray(at, at + length - this.#payloadFilled);
    this.#payloadFilled += part.length;
    found.push({ name: 'data', id: this.#id(), body: { bytes: part } });
    if (this.#payloadFilled === length) this.#begin();
    return at + part.length;
  }

  /** A payload that comes in pieces. */
  #fill(bytes: Uint8Array, at: number, length: number, found: Message[]): number {
    const payload = (this.#payload ??= new Uint8Array(length));
    const part = bytes.subarray(at, at + length - this.#payloadFilled);
    payload.set(part, this.#payloadFilled);
    this.#payloadFilled += part.length;
    if (this.#payloadFilled === length) found.push(this.#finish(payload));
    return at + part.length;
  }

  #length(): number {
    const length = new DataView(this.#header.buffer).getUint32(0, true);
    if (length > payloadLimit) throw new WireError('bad-frame', `a payload of ${length} bytes`);
    return length;
  }

  #finish(payload: Uint8Array): Message {
    const view = new DataView(this.#header.buffer);
    const name = findMessageName(view.getUint8(4));
    if (name === undefined) throw new WireError('bad-frame', `unknown tag ${view.getUint8(4)}`);
    const reader = new Reader(payload);
    const body = messageBody(name).read(reader);
    reader.end();
    const id = this.#id();
    this.#begin();
    return { name, id, body } as Message;
  }

  #id(): number {
    return new DataView(this.#header.buffer).getUint32(5, true);
  }

  /** A header comes next. */
  #begin(): void {
    this.#headerFilled = 0;
    this.#payload = undefined;
    this.#payloadFilled = 0;
  }
}
