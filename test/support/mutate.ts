/**
 * Bytes a hostile peer may send: the same for the same seed, in any engine, so that what fails can be repeated. Knows
 * frames (docs/PROTOCOL.md) as bytes only, and has no regular expressions: the agent's engine has none.
 */

/** A source of numbers that a seed determines. */
export interface Random {
  /** From 0 to below `limit`. */
  below(limit: number): number;
  pick<T>(values: readonly T[]): T;
  bytes(length: number): Uint8Array;
}

/** The seed in a text; without one, any. */
export function chooseSeed(text: string | undefined): number {
  if (text === undefined || text === '') return Math.floor(Math.random() * 0x1_0000_0000);
  const seed = Number(text);
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffff_ffff) throw new RangeError(`not a seed: ${text}`);
  return seed;
}

/** mulberry32: passes the usual tests and is the same wherever Math.imul is. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const below = (limit: number): number => Math.floor((next() / 0x1_0000_0000) * limit);
  return {
    below,
    pick: (values) => values[below(values.length)]!,
    bytes: (length) => Uint8Array.from({ length }, () => next() & 0xff),
  };
}

const header = 9;
const tags = { first: 1, lastRequest: 13, firstReply: 64, lastReply: 75 };
/** Lengths, counts and codes at which readers go wrong. */
const numbers = [
  ...[0, 1, 2, 3, 5, 8, 12, 13, 14, 64, 127, 128, 255, 256, 4095, 4096, 4097, 65_535, 65_536, 65_537],
  ...[131_062, 131_072, 131_073, 0xff_ffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fff6, 0xffff_fffe, 0xffff_ffff],
];

type Change = (random: Random, bytes: Uint8Array, frames: readonly Uint8Array[]) => Uint8Array;

function put(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const changed = bytes.slice();
  for (let index = 0; index < 4 && at + index < changed.length; index += 1) changed[at + index] = value >>> (8 * index);
  return changed;
}

function splice(bytes: Uint8Array, at: number, removed: number, added: Uint8Array): Uint8Array {
  const spliced = new Uint8Array(at + added.length + Math.max(0, bytes.length - at - removed));
  spliced.set(bytes.subarray(0, at));
  spliced.set(added, at);
  spliced.set(bytes.subarray(at + removed), at + added.length);
  return spliced;
}

/** Makes the length in the header true again, so that a change is met behind it. */
const mendLength: Change = (_random, bytes) => (bytes.length < header ? bytes : put(bytes, 0, bytes.length - header));

const flipBit: Change = (random, bytes) => {
  const changed = bytes.slice();
  const at = random.below(bytes.length);
  if (at < changed.length) changed[at]! ^= 1 << random.below(8);
  return changed;
};

const setByte: Change = (random, bytes) => {
  const changed = bytes.slice();
  const at = random.below(bytes.length);
  if (at < changed.length) changed[at] = random.pick([0, 1, 2, 0x7f, 0x80, 0xc0, 0xed, 0xf4, 0xff, random.below(256)]);
  return changed;
};

const setNumber: Change = (random, bytes) => put(bytes, random.below(bytes.length), random.pick(numbers));
const setLength: Change = (random, bytes) => put(bytes, 0, random.pick([...numbers, random.below(0x1_0000_0000)]));

const setTag: Change = (random, bytes) => {
  const known = [tags.first + random.below(tags.lastRequest), tags.firstReply + random.below(12)];
  return splice(bytes, 4, 1, Uint8Array.of(random.pick([...known, tags.lastRequest + 1, tags.lastReply + 1, 0, 255])));
};

const insert: Change = (random, bytes) =>
  splice(bytes, random.below(bytes.length), 0, random.bytes(1 + random.below(8)));
const remove: Change = (random, bytes) =>
  splice(bytes, random.below(bytes.length), 1 + random.below(8), new Uint8Array(0));

const repeatPiece: Change = (random, bytes) => {
  const at = random.below(bytes.length);
  return splice(bytes, at, 0, bytes.subarray(at, at + 1 + random.below(32)));
};

const crossOver: Change = (random, bytes, frames) => {
  const other = random.pick(frames);
  return splice(bytes, random.below(bytes.length), bytes.length, other.subarray(random.below(other.length)));
};

const changes: readonly Change[] = [
  ...[flipBit, setByte, setNumber, setLength, setTag, insert, remove, repeatPiece, crossOver],
  ...[flipBit, setByte, setNumber, setTag, insert, remove, repeatPiece, crossOver].map(
    (change): Change =>
      (random, bytes, frames) =>
        mendLength(random, change(random, bytes, frames), frames),
  ),
];

/** A frame with one to four changes. */
export function mutateFrame(random: Random, frames: readonly Uint8Array[]): Uint8Array {
  let bytes = random.pick(frames);
  for (let left = 1 + random.below(4); left > 0; left -= 1) bytes = random.pick(changes)(random, bytes, frames);
  return bytes;
}

/** The ways in which a peer can be hostile behind a sound beginning. */
export const attackKinds = ['mutated', 'random', 'truncated', 'length', 'full'] as const;
export type AttackKind = (typeof attackKinds)[number];

/** What a hostile peer sends behind the magic, or behind a sound hello. */
export function makeAttack(random: Random, kind: AttackKind, frames: readonly Uint8Array[]): Uint8Array {
  const sound = Array.from({ length: random.below(3) }, () => random.pick(frames));
  const behind = random.below(2) === 0 ? [] : [random.pick(frames)];
  const attacks: Readonly<Record<AttackKind, () => Uint8Array[]>> = {
    mutated: () => [...sound, mutateFrame(random, frames), ...behind],
    random: () => [random.bytes(random.below(2000))],
    truncated: () => [...sound, truncate(random, random.pick(frames))],
    length: () => [...sound, setLength(random, random.pick(frames), frames), ...behind],
    full: () => [...sound, makeFull(random), ...behind],
  };
  return concat(attacks[kind]());
}

function truncate(random: Random, frame: Uint8Array): Uint8Array {
  return frame.subarray(0, random.below(frame.length));
}

/** A frame of the largest size, of any message, that begins like a long list or a long text. */
function makeFull(random: Random): Uint8Array {
  const frame = setTag(random, new Uint8Array(header + 131_072), []);
  return put(put(put(frame, 0, 131_072), header, random.pick(numbers)), header + 4, random.pick(numbers));
}

/** What may come before the magic, and parts of it. */
export function makeJunk(random: Random, magic: Uint8Array): Uint8Array {
  const part = (): Uint8Array => magic.subarray(0, random.below(magic.length));
  const pieces = Array.from({ length: random.below(20) }, () => random.pick([part, () => random.bytes(30)])());
  if (random.below(20) === 0) pieces.push(new Uint8Array(64_000 + random.below(4000)));
  return concat(pieces);
}

/** The same bytes in pieces, from single ones to all at once. */
export function* cutAnywhere(random: Random, bytes: Uint8Array): Generator<Uint8Array> {
  const largest = random.pick([1, 4, 20, 300, bytes.length + 1]);
  for (let at = 0; at < bytes.length;) {
    const piece = bytes.subarray(at, at + 1 + random.below(bytes.length > 5000 ? largest * 100 : largest));
    yield piece;
    at += piece.length;
  }
}

/** Byte arrays one behind the other. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
