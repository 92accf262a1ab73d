/** Bytes that come in chunks and are taken in pieces of any length. */
export class ByteQueue {
  /** In here lies the piece that was taken last; as long as its chunk does. */
  bytes: Buffer = Buffer.alloc(0);
  #chunk: Buffer = this.bytes;
  /** Where in the chunk the next piece begins. */
  #at = 0;
  /** Copies of what came before the chunk: the beginning of a piece that is longer than what has come. */
  #kept: Buffer[] = [];
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
      this.#keepRest();
      return undefined;
    }
    this.#at = end;
    this.bytes = this.#chunk;
    return this.#keptBytes === 0 ? begin : this.#join(this.#chunk.subarray(begin, end));
  }

  /** What has come and was not taken. */
  takeRest(): Buffer {
    const rest = this.#chunk.subarray(this.#at);
    this.#at = this.#chunk.length;
    return rest;
  }

  #keepRest(): void {
    const rest = Buffer.from(this.takeRest());
    this.#kept.push(rest);
    this.#keptBytes += rest.length;
  }

  #join(last: Buffer): number {
    this.bytes = Buffer.concat([...this.#kept, last]);
    this.#kept = [];
    this.#keptBytes = 0;
    return 0;
  }
}
