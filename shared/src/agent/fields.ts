import { decodeUtf8, encodeUtf8 } from './utf8.js';
import { WireError } from './wire-error.js';

/** How one value is written to and read from a payload. Numbers are little-endian. */
export interface Field<T> {
  readonly write: (writer: Writer, value: T) => void;
  readonly read: (reader: Reader) => T;
}

/** The value a field stands for. */
export type Value<F> = F extends Field<infer T> ? T : never;

/** Collects a payload. */
export class Writer {
  #bytes = new Uint8Array(256);
  #length = 0;

  /** Makes room for this many bytes and says where they begin. */
  reserve(count: number): { readonly view: DataView; readonly at: number } {
    const at = this.#length;
    if (at + count > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#bytes.length * 2, at + count));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#length += count;
    return { view: new DataView(this.#bytes.buffer), at };
  }

  append(bytes: Uint8Array): void {
    const { at } = this.reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** The bytes so far: a view that the next write may make stale. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

/** Takes a payload apart. Every read checks that the bytes are there. Errors: WireError `bad-message`. */
export class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  take(count: number): Uint8Array {
    if (count > this.#bytes.length - this.#at) throw malformed('a value is cut off');
    const taken = this.#bytes.subarray(this.#at, this.#at + count);
    this.#at += count;
    return taken;
  }

  view(count: number): DataView {
    const { buffer, byteOffset } = this.take(count);
    return new DataView(buffer, byteOffset, count);
  }

  rest(): Uint8Array {
    return this.take(this.#bytes.length - this.#at);
  }

  /** Errors: WireError `bad-message` where bytes are left. */
  end(): void {
    if (this.#at !== this.#bytes.length) throw malformed(`${this.#bytes.length - this.#at} bytes too many`);
  }
}

function malformed(what: string): WireError {
  return new WireError('bad-message', what);
}

export const u8: Field<number> = {
  write(writer, value) {
    const { view, at } = writer.reserve(1);
    view.setUint8(at, value);
  },
  read: (reader) => reader.view(1).getUint8(0),
};

export const u32: Field<number> = {
  write(writer, value) {
    const { view, at } = writer.reserve(4);
    view.setUint32(at, value, true);
  },
  read: (reader) => reader.view(4).getUint32(0, true),
};

const high = 0x1_0000_0000;

/** A whole number up to 2^53 - 1 in eight bytes. */
export const u64: Field<number> = {
  write(writer, value) {
    const { view, at } = writer.reserve(8);
    view.setUint32(at, value % high, true);
    view.setUint32(at + 4, Math.floor(value / high), true);
  },
  read(reader) {
    const view = reader.view(8);
    const value = view.getUint32(0, true) + view.getUint32(4, true) * high;
    if (!Number.isSafeInteger(value)) throw malformed('a number above 2^53 - 1');
    return value;
  },
};

export const flag: Field<boolean> = {
  write: (writer, value) => u8.write(writer, value ? 1 : 0),
  read(reader) {
    const value = u8.read(reader);
    if (value > 1) throw malformed('neither true nor false');
    return value === 1;
  },
};

/** Long enough for a path, a line of a log or a vermagic; nothing on the wire needs more. */
const textLimit = 64 * 1024;

/** UTF-8 behind its length in bytes (u32). Longer text is cut by the writer and refused by the reader. */
export const text: Field<string> = {
  write(writer, value) {
    const bytes = encodeUtf8(value.slice(0, textLimit / 3));
    u32.write(writer, bytes.length);
    writer.append(bytes);
  },
  read(reader) {
    const length = u32.read(reader);
    if (length > textLimit) throw malformed(`text of ${length} bytes`);
    const value = decodeUtf8(reader.take(length));
    if (value === undefined) throw malformed('text that is not UTF-8');
    return value;
  },
};

/** All bytes to the end of the payload: only as the last field. */
export const rest: Field<Uint8Array> = {
  write: (writer, value) => writer.append(value),
  read: (reader) => reader.rest(),
};

/** Values behind their count (u32). */
export function list<T>(field: Field<T>, limit = 4096): Field<readonly T[]> {
  return {
    write(writer, values) {
      const kept = values.slice(0, limit);
      u32.write(writer, kept.length);
      for (const value of kept) field.write(writer, value);
    },
    read(reader) {
      const count = u32.read(reader);
      if (count > limit) throw malformed(`a list of ${count}`);
      return Array.from({ length: count }, () => field.read(reader));
    },
  };
}

/** One of a closed list of words, as its index (u8). */
export function oneOf<const W extends readonly string[]>(words: W): Field<W[number]> {
  return {
    write: (writer, value) => u8.write(writer, words.indexOf(value)),
    read(reader) {
      const word = words[u8.read(reader)];
      if (word === undefined) throw malformed('a word that is not in the list');
      return word;
    },
  };
}

type Fields = Readonly<Record<string, Field<never>>>;
type Values<S> = { readonly [K in keyof S]: Value<S[K]> };

/**
 * Named values, one behind the other in the order given. They are listed when first needed: of the records an agent
 * declares it meets a few.
 */
export function record<S extends Readonly<Record<string, unknown>>>(fields: S): Field<Values<S>> {
  let listed: [string, Field<never>][] | undefined;
  const entries = (): [string, Field<never>][] => (listed ??= Object.entries(fields as Fields));
  return {
    write(writer, value) {
      for (const [name, field] of entries()) field.write(writer, (value as Record<string, never>)[name] as never);
    },
    read(reader) {
      const value: Record<string, unknown> = {};
      for (const [name, field] of entries()) value[name] = field.read(reader);
      return value as Values<S>;
    },
  };
}
