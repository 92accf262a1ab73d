import { FrameReader } from '../../shared/src/agent/frame-reader.js';
import { encodeFrame, frameMagic, payloadLimit } from '../../shared/src/agent/frame.js';
import type { Message } from '../../shared/src/agent/messages.js';
import { encodeUtf8 } from '../../shared/src/agent/utf8.js';
import { WireError } from '../../shared/src/agent/wire-error.js';
import { goldenMessages } from '../golden/agent-messages.js';
import { formatHex, formatMessage, toMessage } from '../golden/plain.js';
import {
  type AttackKind,
  type Random,
  attackKinds,
  concat,
  createRandom,
  cutAnywhere,
  makeAttack,
  makeJunk,
} from '../support/mutate.js';

/** How often a reader is attacked in each way. */
export const hostileRounds: Readonly<Record<AttackKind | 'junk', number>> = {
  mutated: 10_000,
  random: 1000,
  truncated: 1000,
  length: 1000,
  full: 100,
  junk: 1000,
};

/** What became of the attacks. The same in every engine, but for `memory`. */
export interface HostileResult {
  readonly attacks: number;
  readonly messages: number;
  readonly errors: Readonly<Record<string, number>>;
  /** Stands for all messages and errors in their order. */
  readonly digest: number;
  /** What must not happen: the first few. */
  readonly problems: readonly string[];
  /** What `measure` said, at equal distances. */
  readonly memory: readonly number[];
}

const magic = encodeUtf8(frameMagic);
const measurements = 20;

/** Attacks readers; `measure` tells how many bytes of memory are in use. */
export function attackReaders(seed: number, measure: () => number): HostileResult {
  const random = createRandom(seed);
  const frames = Object.values(goldenMessages).map((plain) => encodeFrame(toMessage(plain)));
  const tally = new Tally();
  const memory: number[] = [];
  const plan = shuffle(random);
  plan.forEach((kind, at) => {
    const stream = kind === 'junk' ? makeJunk(random, magic) : makeAttack(random, kind, frames);
    tally.add(attackReader(random, kind === 'junk' ? [stream, magic, frames[0]!] : [magic, stream], kind));
    if ((at + 1) % Math.floor(plan.length / measurements) === 0) memory.push(measure());
  });
  return { attacks: plan.length, ...tally.result(), memory };
}

/** Every kind as often as it is to be, in any order: what one kind leaves behind meets the others. */
function shuffle(random: Random): (AttackKind | 'junk')[] {
  const plan = [...attackKinds, 'junk' as const].flatMap((kind) =>
    Array.from({ length: hostileRounds[kind] }, () => kind),
  );
  for (let at = plan.length - 1; at > 0; at -= 1) {
    const other = random.below(at + 1);
    [plan[at], plan[other]] = [plan[other]!, plan[at]!];
  }
  return plan;
}

interface Outcome {
  readonly kind: string;
  readonly stream: Uint8Array;
  readonly found: readonly Message[];
  readonly failure: Error | undefined;
}

function attackReader(random: Random, parts: readonly Uint8Array[], kind: AttackKind | 'junk'): Outcome {
  const stream = concat(parts);
  const reader = new FrameReader();
  const found: Message[] = [];
  let failure: Error | undefined;
  for (const piece of cutAnywhere(random, stream)) {
    try {
      found.push(...reader.push(piece));
    } catch (error) {
      failure ??= error as Error;
      if (error !== failure) failure = new Error('a second error');
    }
  }
  return { kind, stream, found, failure };
}

class Tally {
  #messages = 0;
  readonly #errors: Record<string, number> = {};
  #digest = 0x811c9dc5;
  readonly #problems: string[] = [];

  add(outcome: Outcome): void {
    const { found, failure } = outcome;
    this.#messages += found.length;
    const failed = failure instanceof WireError ? `${failure.code}: ${failure.message}` : String(failure);
    for (const text of [...found.map(formatMessage), failed]) this.#hash(text);
    if (failure instanceof WireError) this.#errors[failure.code] = (this.#errors[failure.code] ?? 0) + 1;
    for (const problem of judge(outcome)) {
      if (this.#problems.length < 5) this.#problems.push(`${outcome.kind}: ${problem}`);
    }
  }

  /** FNV-1a. */
  #hash(text: string): void {
    for (let at = 0; at < text.length; at += 1)
      this.#digest = Math.imul(this.#digest ^ text.charCodeAt(at), 0x01000193) >>> 0;
  }

  result(): Omit<HostileResult, 'attacks' | 'memory'> {
    const errors = Object.fromEntries(Object.entries(this.#errors).sort(([a], [b]) => (a < b ? -1 : 1)));
    return { messages: this.#messages, errors, digest: this.#digest, problems: this.#problems };
  }
}

/** An error is coded, and is the reader's own; what was taken for messages is exactly the bytes that they make. */
function judge({ kind, stream, found, failure }: Outcome): string[] {
  const coded = failure instanceof WireError && ['bad-frame', 'bad-message'].includes(failure.code);
  const problems = failure === undefined || coded ? [] : [`${String(failure)} for ${formatHex(stream.slice(0, 300))}`];
  const taken = concat(found.map(encodeFrame));
  const rest = kind === 'junk' ? stream.subarray(stream.length - taken.length) : stream.subarray(magic.length);
  if (!taken.every((byte, at) => byte === rest[at]))
    problems.push(`${found.map(formatMessage).join()} are not the bytes ${formatHex(rest.slice(0, 300))}`);
  return problems;
}

/** One reader, 128 MiB of data: what it keeps does not grow. */
export function floodReader(measure: () => number): readonly number[] {
  const reader = new FrameReader();
  reader.push(magic);
  const frame = encodeFrame({ name: 'data', id: 1, body: { bytes: new Uint8Array(payloadLimit) } });
  const memory: number[] = [];
  let count = 0;
  for (let round = 0; round < 1024; round += 1) {
    const cut = (round * 4099) % frame.length;
    for (const piece of [frame.subarray(0, cut), frame.subarray(cut)]) count += reader.push(piece).length;
    if (round % 64 === 63) memory.push(measure());
  }
  if (count !== 1024) throw new Error(`${count} of 1024 messages`);
  return memory;
}
