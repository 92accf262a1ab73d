import { corrupt } from './tar-header.js';

/** What a reader yields to say: I cannot go on before more bytes have come, or the end. */
export const more = undefined;

/** A step of a reader: it yields `more` until it can return. */
export type Step<T> = Generator<typeof more, T, void>;

/** Bytes that come in chunks and are taken in pieces of any length. */
export class ByteQueue {
  #held: Buffer = Buffer.alloc(0);
  #parts: Buffer[] = [];
  #length = 0;
  #ended = false;

  push(chunk: Buffer): void {
    this.#parts.push(chunk);
    this.#length += chunk.length;
  }

  /** No more bytes will come. */
  end(): void {
    this.#ended = true;
  }

  /**
   * The next bytes, without a copy where one chunk holds them all. Memory grows with what has come, not with count.
   *
   * @throws KhError `archive-corrupt` with reason `truncated` where the end comes before.
   */
  *take(count: number): Step<Buffer> {
    while (this.#held.length + this.#length < count) {
      if (this.#ended) throw corrupt('truncated', 'The archive ends too early');
      yield more;
    }
    if (this.#held.length < count) this.#join();
    const taken = this.#held.subarray(0, count);
    this.#held = this.#held.subarray(count);
    return taken;
  }

  /** All bytes that have come and were not taken; undefined at the end. */
  *takeAny(): Step<Buffer | undefined> {
    while (this.#held.length + this.#length === 0) {
      if (this.#ended) return undefined;
      yield more;
    }
    this.#join();
    const taken = this.#held;
    this.#held = Buffer.alloc(0);
    return taken;
  }

  #join(): void {
    const [only] = this.#parts;
    const single = this.#held.length === 0 && this.#parts.length === 1 ? only : undefined;
    this.#held = single ?? Buffer.concat([this.#held, ...this.#parts]);
    this.#parts = [];
    this.#length = 0;
  }
}
