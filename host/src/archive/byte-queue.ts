import { corrupt } from './tar-header.js';

/** The bytes of a stream, taken in pieces of any length. Disposing it closes the stream. */
export class ByteQueue implements AsyncDisposable {
  readonly #source: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /**
   * The next bytes, without a copy where one chunk holds them all. Memory grows with what has come, not with count.
   *
   * @throws KhError `archive-corrupt` with reason `truncated` where the stream ends before.
   */
  async take(count: number): Promise<Buffer> {
    if (this.#held.length < count) await this.#fill(count);
    const taken = this.#held.subarray(0, count);
    this.#held = this.#held.subarray(count);
    return taken;
  }

  /** All bytes that are left, in chunks. */
  async *rest(): AsyncGenerator<Buffer, void, undefined> {
    yield this.#held;
    for (let next = await this.#source.next(); !next.done; next = await this.#source.next()) yield next.value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source.return?.();
  }

  async #fill(count: number): Promise<void> {
    const parts = this.#held.length > 0 ? [this.#held] : [];
    let length = this.#held.length;
    while (length < count) {
      const next = await this.#source.next();
      if (next.done) throw corrupt('truncated', 'The archive ends too early');
      parts.push(next.value);
      length += next.value.length;
    }
    const [only] = parts;
    this.#held = only && parts.length === 1 ? only : Buffer.concat(parts, length);
  }
}
