/** Bytes that grow up to a limit. */
export class GrowingBytes {
  #bytes: Uint8Array;
  #length = 0;
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
    this.#bytes = new Uint8Array(Math.min(limit, 1024 * 1024));
  }

  get length(): number {
    return this.#length;
  }

  view(from = 0): Uint8Array {
    return this.#bytes.subarray(from, this.#length);
  }

  /** False where that is beyond the limit. */
  append(source: Uint8Array): boolean {
    if (!this.#reserve(source.length)) return false;
    this.#bytes.set(source, this.#length);
    this.#length += source.length;
    return true;
  }

  /** Appends bytes that begin `distance` before the end, which may overlap with what is appended. */
  repeat(distance: number, count: number): boolean {
    if (!this.#reserve(count)) return false;
    const bytes = this.#bytes;
    const end = this.#length + count;
    if (distance >= count) bytes.copyWithin(this.#length, this.#length - distance, this.#length - distance + count);
    else for (let at = this.#length; at < end; at++) bytes[at] = bytes[at - distance] ?? 0;
    this.#length = end;
    return true;
  }

  #reserve(count: number): boolean {
    const needed = this.#length + count;
    if (needed > this.#limit) return false;
    if (needed <= this.#bytes.length) return true;
    const larger = new Uint8Array(Math.min(this.#limit, Math.max(needed, 2 * this.#bytes.length)));
    larger.set(this.view());
    this.#bytes = larger;
    return true;
  }
}

const minMatch = 4;

/**
 * Decodes one lz4 block (LZ4 Block Format Description) behind what is there already; matches may reach back to
 * `historyStart`. Returns `whole`, `damaged`, or `full` where the limit of the output is reached.
 */
export function decodeLz4Block(
  block: Uint8Array,
  output: GrowingBytes,
  historyStart: number,
): 'whole' | 'damaged' | 'full' {
  let at = 0;
  const readLength = (nibble: number): number => {
    let length = nibble;
    if (nibble === 15) {
      for (let more = 255; more === 255; length += more) more = block[at++] ?? 0;
    }
    return length;
  };
  while (at < block.length) {
    const token = block[at++] ?? 0;
    const literals = readLength(token >> 4);
    if (at + literals > block.length) return 'damaged';
    if (!output.append(block.subarray(at, at + literals))) return 'full';
    at += literals;
    // The last sequence has literals only.
    if (at === block.length) return 'whole';
    const distance = (block[at] ?? 0) | ((block[at + 1] ?? 0) << 8);
    at += 2;
    const count = readLength(token & 15) + minMatch;
    if (at > block.length || distance === 0 || distance > output.length - historyStart) return 'damaged';
    if (!output.repeat(distance, count)) return 'full';
  }
  return 'damaged';
}
