import { decodeUtf8, encodeUtf8, putAscii } from './utf8.js';
import { WireError } from './wire-error.js';

/** How one value is written to and read from a payload. Numbers are little-endian. */
export interface Field<T> {
  readonly write: (writer: Writer, value: T) => void;
  readonly read: (reader: Reader) => T;
}

/** The value a field stands for. */
export type Value<F> = F extends Field<infer T> ? T : never;

const high = 0x1_0000_0000;

/** Collects a payload. One view for all of it: on the phone an object for every number costs more than the number. */
export class Writer {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** Makes room for this many bytes and says where they begin. */
  reserve(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }

  u8(value: number): void {
    const at = this.reserve(1);
    this.#view.setUint8(at, value);
  }

  u32(value: number): void {
    const at = this.reserve(4);
    this.#view.setUint32(at, value, true);
  }

  append(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** UTF-8 behind its length in bytes (u32). */
  text(value: string): void {
    const at = this.reserve(4 + value.length);
    if (putAscii(value, this.#bytes, at + 4) === value.length) return this.#view.setUint32(at, value.length, true);
    this.#length = at;
    const bytes = encodeUtf8(value);
    this.u32(bytes.length);
    this.append(bytes);
  }

  /** The bytes so far: a view that the next write may make stale. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

/** Takes a payload apart. Every read checks that the bytes are there. Errors: WireError `bad-message`. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  u8(): number {
    return this.#view.getUint8(this.#skip(1));
  }

  u32(): number {
    return this.#view.getUint32(this.#skip(4), true);
  }

  take(count: number): Uint8Array {
    const at = this.#skip(count);
    return this.#bytes.subarray(at, at + count);
  }

  rest(): Uint8Array {
    return this.take(this.#bytes.length - this.#at);
  }

  /** Errors: WireError `bad-message` where bytes are left. */
  end(): void {
    if (this.#at !== this.#bytes.length) throw malformed(`${this.#bytes.length - this.#at} bytes too many`);
  }

  /** Where the next bytes begin. */
  #skip(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) throw malformed('a value is cut off');
    this.#at = at + count;
    return at;
  }
}

function malformed(what: string): WireError {
  return new WireError('bad-message', what);
}

export const u8: Field<number> = {
  write: (writer, value) => writer.u8(value),
  read: (reader) => reader.u8(),
};

export const u32: Field<number> = {
  write: (writer, value) => writer.u32(value),
  read: (reader) => reader.u32(),
};

/** A whole number up to 2^53 - 1 in eight bytes. */
export const u64: Field<number> = {
  write(writer, value) {
    writer.u32(value % high);
    writer.u32(Math.floor(value / high));
  },
  read(reader) {
    const value = reader.u32() + reader.u32() * high;
    if (!Number.isSafeInteger(value)) throw malformed('a number above 2^53 - 1');
    return value;
  },
};

export const flag: Field<boolean> = {
  write: (writer, value) => writer.u8(value ? 1 : 0),
  read(reader) {
    const value = reader.u8();
    if (value > 1) throw malformed('neither true nor false');
    return value === 1;
  },
};

/** Long enough for a path, a line of a log or a vermagic; nothing on the wire needs more. */
const textLimit = 64 * 1024;

/** UTF-8 behind its length in bytes (u32). Longer text is cut by the writer and refused by the reader. */
export const text: Field<string> = {
  write: (writer, value) => writer.text(value.length > textLimit / 3 ? value.slice(0, textLimit / 3) : value),
  read(reader) {
    const length = reader.u32();
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
      writer.u32(kept.length);
      for (const value of kept) field.write(writer, value);
    },
    read(reader) {
      const count = reader.u32();
      if (count > limit) throw malformed(`a list of ${count}`);
      return Array.from({ length: count }, () => field.read(reader));
    },
  };
}

/** One of a closed list of words, as its index (u8). */
export function oneOf<const W extends readonly string[]>(words: W): Field<W[number]> {
  return {
    write: (writer, value) => writer.u8(words.indexOf(value)),
    read(reader) {
      const word = words[reader.u8()];
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
