const none = Buffer.alloc(0);

/** Bytes that come in chunks and are taken in pieces of any length. */
export class ByteQueue {
  /** In here lies the piece that was taken last, until the next is asked for. */
  bytes: Buffer = none;
  #chunk: Buffer = none;
  /** Where in the chunk the next piece begins. */
  #at = 0;
  /** What came before the chunk is copied here: the beginning of a piece that is longer than what has come. Used again and again. */
  #kept: Buffer = none;
  #keptBytes = 0;

  /** Only after take() has returned undefined. The chunk may be overwritten as soon as it has done so again. */
  push(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /**
   * Takes the next bytes: returns where in `bytes` they begin; or undefined where more have to come first, and then the
   * same count has to be asked for again. They are copied only where no chunk holds them all. Memory grows with what has
   * come, not with count.
   */
  take(count: number): number | undefined {
    const begin = this.#at;
    const end = begin + count - this.#keptBytes;
    if (end > this.#chunk.length) {
      this.#keep(this.#chunk.length);
      return undefined;
    }
    if (this.#keptBytes === 0) {
      this.#at = end;
      this.bytes = this.#chunk;
      return begin;
    }
    this.#keep(end);
    this.#keptBytes = 0;
    this.bytes = this.#kept;
    return 0;
  }

  /** What has come and was not taken. */
  takeRest(): Buffer {
    const rest = this.#chunk.subarray(this.#at);
    this.#at = this.#chunk.length;
    return rest;
  }

  /** Copies the chunk up to a place behind what was kept before. */
  #keep(end: number): void {
    const size = this.#keptBytes + end - this.#at;
    if (size > this.#kept.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(size, 2 * this.#kept.length));
      this.#kept.copy(grown, 0, 0, this.#keptBytes);
      this.#kept = grown;
    }
    this.#chunk.copy(this.#kept, this.#keptBytes, this.#at, end);
    this.#keptBytes = size;
    this.#at = end;
  }
}
