import { type Message, FrameReader, WireError, encodeFrame, encodeUtf8, frameMagic } from '@kheaders/shared';
import * as native from 'native';
import * as os from 'os';
import { delay, onReadable, onWritable } from './loop.js';

/** Bytes on their way, and who wants to know when they are gone. */
interface Queued {
  readonly bytes: Uint8Array;
  readonly sent: (() => void) | undefined;
}

export interface LinkHandlers {
  readonly message: (message: Message) => void;
  /** Called once; the link is closed already. */
  readonly closed: (reason: string) => void;
}

const readSize = 16 * 1024;
/** After this many bytes a link lets others have their turn: select() in the engine serves the head of its list first. */
const turn = 1024 * 1024;
/** While so many frames wait to be taken, nothing more is read: who asks must also listen. */
const framesLimit = 1024;
/** A peer that was refused has so long to take the reason. */
const partingMilliseconds = 2_000;

/**
 * One framed connection, on a socket or on stdin and stdout. Reads as data comes; writes as the other end takes them,
 * and tells how much is waiting, so that whoever produces can stop.
 */
export class Link {
  readonly #input: number;
  #output: number;
  readonly #handlers: LinkHandlers;
  readonly #reader = new FrameReader();
  readonly #buffer = new Uint8Array(readSize);
  readonly #queue: Queued[] = [];
  /** What goes before the first frame, in one write with it: each write wakes the other end. */
  #preface: string | undefined = frameMagic;
  #sent = 0;
  #waiting = 0;
  #writing = false;
  #open = true;
  #reading = true;
  #refused = false;
  #drained: (() => void)[] = [];
  /** When the other end last sent or took something: milliseconds of the boot clock. */
  heard = native.bootMilliseconds();

  /** Takes over the descriptors and closes them at the end. */
  constructor(input: number, output: number, handlers: LinkHandlers) {
    this.#input = input;
    this.#output = output;
    this.#handlers = handlers;
    native.setNonblock(input, true);
    if (output !== input) native.setNonblock(output, true);
    onReadable(input, () => this.#read());
    // Later: the other end may be gone already, and nobody is told of that before he has the link.
    this.#resume();
  }

  get open(): boolean {
    return this.#open;
  }

  /** Bytes that the other end has not taken yet. */
  get waiting(): number {
    return this.#waiting;
  }

  send(message: Message): void {
    const frame = encodeFrame(message);
    this.sendBytes(this.#preface === undefined ? frame : join(encodeUtf8(this.#preface), frame));
    this.#preface = undefined;
  }

  /**
   * Queues bytes that make whole frames, not the first; they must not change any more. What the other end can take goes at
   * once; `sent` is called when it has taken all, and not where the link closes before.
   */
  sendBytes(bytes: Uint8Array, sent?: () => void): void {
    if (!this.#open) return;
    this.#queue.push({ bytes, sent });
    this.#waiting += bytes.length;
    this.#write();
    if (this.#queue.length > framesLimit) this.#listen(false);
  }

  /** Says a last word where it spoke until now; all that is sent later goes to another descriptor, which it takes over. */
  move(output: number, last: Message): void {
    this.sendBytes(encodeFrame(last), () => {
      onWritable(this.#output, null);
      this.#output = output;
      if (this.#writing) this.#resume();
    });
  }

  /** Settles when at most this many bytes wait to be taken, or the link is closed. */
  async drain(limit: number): Promise<void> {
    while (this.#open && this.#waiting > limit) await new Promise<void>((resolve) => this.#drained.push(resolve));
  }

  /** Sends what is queued and closes then; whoever does not take it has not long. */
  async finish(reason: string): Promise<void> {
    this.#refused = true;
    this.#listen(false);
    await Promise.race([this.drain(0), delay(partingMilliseconds)]);
    this.close(reason);
  }

  close(reason: string): void {
    if (!this.#open) return;
    this.#open = false;
    onReadable(this.#input, null);
    onWritable(this.#output, null);
    os.close(this.#input);
    if (this.#output !== this.#input) os.close(this.#output);
    this.#queue.length = 0;
    this.#wake();
    this.#handlers.closed(reason);
  }

  #listen(wanted: boolean): void {
    if (wanted === this.#reading || !this.#open || (wanted && this.#refused)) return;
    this.#reading = wanted;
    onReadable(this.#input, wanted ? () => this.#read() : null);
  }

  #read(): void {
    const count = os.read(this.#input, this.#buffer.buffer, 0, readSize);
    if (count === -native.EAGAIN || count === -native.EINTR) return;
    if (count < 0) return this.close(`errno ${-count}`);
    if (count === 0) return this.#finishInput();
    this.heard = native.bootMilliseconds();
    try {
      for (const message of this.#reader.push(this.#buffer.subarray(0, count))) {
        if (!this.#open || this.#refused) return;
        this.#handlers.message(message);
      }
    } catch (error) {
      this.#refuse(error);
    }
  }

  #finishInput(): void {
    if (this.#reader.atBoundary) this.close('end');
    else this.#refuse(new WireError('bad-frame', 'the stream ends inside a frame'));
  }

  /** Says what is wrong with the other end's bytes, and hangs up. */
  #refuse(error: unknown): void {
    const code = error instanceof WireError ? error.code : 'internal';
    this.send({ name: 'error', id: 0, body: { code, errno: 0, path: '', detail: String(error) } });
    void this.finish(code);
  }

  #write(): void {
    for (let budget = turn; budget > 0;) {
      const item = this.#queue[0];
      if (item === undefined) return this.#pause();
      const { buffer, byteOffset, length } = item.bytes;
      const count = os.write(this.#output, buffer as ArrayBuffer, byteOffset + this.#sent, length - this.#sent);
      if (count === -native.EAGAIN || count === -native.EINTR) return this.#resume();
      if (count < 0) return this.close(`errno ${-count}`);
      this.#took(item, count);
      budget -= count;
    }
    this.#resume();
  }

  #took(item: Queued, count: number): void {
    this.heard = native.bootMilliseconds();
    this.#sent += count;
    this.#waiting -= count;
    if (this.#sent === item.bytes.length) {
      this.#queue.shift();
      this.#sent = 0;
      item.sent?.();
    }
    if (this.#queue.length < framesLimit / 2) this.#listen(true);
    this.#wake();
  }

  #pause(): void {
    if (this.#writing) onWritable(this.#output, null);
    this.#writing = false;
  }

  /** Sets the handler anew, which puts it at the end of the engine's list. */
  #resume(): void {
    onWritable(this.#output, null);
    onWritable(this.#output, () => this.#write());
    this.#writing = true;
  }

  #wake(): void {
    const waiting = this.#drained;
    if (waiting.length === 0) return;
    this.#drained = [];
    for (const resolve of waiting) resolve();
  }
}

function join(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}
