import {
  FrameReader,
  type Message,
  daemonSocket,
  encodeFrame,
  encodeUtf8,
  frameMagic,
  protocolVersion,
} from '@kheaders/shared';
import * as native from 'native';
import * as os from 'os';
import * as std from 'std';
import { goldenMessages } from '../../test/golden/agent-messages.js';
import { toMessage } from '../../test/golden/plain.js';
import { attackKinds, concat, createRandom, makeAttack } from '../../test/support/mutate.js';

// As the agent does: the daemon may hang up while it is still told something.
os.signal(os.SIGPIPE, undefined);
// A hostile peer of the lease daemon. Arguments: the seed, the number of connections, the token.
const [, seed = '', rounds = '', token = ''] = scriptArgs;
const random = createRandom(Number(seed));
/** Who has the token may end the daemon. */
const harmless = Object.values(goldenMessages).filter(({ name }) => name !== 'shutdown');
const frames = harmless.map((plain) => encodeFrame(toMessage(plain)));
const magic = encodeUtf8(frameMagic);
const pingId = 0x7eedfeed;

/** What a peer says first: the more, the further it gets. */
const beginnings = [[], [magic], [magic, makeHello()], [magic, makeHello(), makeJoin('')]];
const joined = [magic, makeHello(), makeJoin(token)];

function makeHello(): Uint8Array {
  return encodeFrame({ name: 'hello', id: 1, body: { protocol: protocolVersion, build: '', sender: '' } });
}

function makeJoin(said: string): Uint8Array {
  return encodeFrame({ name: 'join', id: 2, body: { token: said } });
}

class Reading {
  readonly #reader = new FrameReader();
  readonly messages: Message[] = [];
  failed = false;

  push(bytes: Uint8Array): void {
    try {
      for (const message of this.#reader.push(bytes)) this.messages.push(message);
    } catch {
      this.failed = true;
    }
  }

  get atBoundary(): boolean {
    return this.#reader.begun && this.#reader.atBoundary;
  }
}

function write(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    const count = os.write(fd, bytes.buffer as ArrayBuffer, bytes.byteOffset + at, bytes.length - at);
    // The daemon has hung up.
    if (count < 0) return;
    at += count;
  }
}

/** What the daemon says until it hangs up, or has answered a ping; a connection waits for ever. */
function listen(fd: number): Reading {
  const heard = new Reading();
  const buffer = new Uint8Array(64 * 1024);
  for (;;) {
    const count = os.read(fd, buffer.buffer, 0, buffer.length);
    if (count <= 0) return heard;
    heard.push(buffer.slice(0, count));
    if (heard.failed || heard.messages.some(({ name, id }) => name === 'done' && id === pingId)) return heard;
  }
}

/** Connects and is gone before the daemon has looked. */
function connectAndGo(): string {
  const fd = native.connect(daemonSocket);
  if (fd < 0) return `problem: connect gives ${fd}`;
  os.close(fd);
  return 'hung up';
}

/** One connection; returns what is wrong, or how it ended. */
function attack(): string {
  if (random.below(4) === 0) return connectAndGo();
  const isJoined = random.below(2) === 0;
  const beginning = concat(isJoined ? joined : random.pick(beginnings));
  const stream = concat([beginning, makeAttack(random, random.pick(attackKinds), frames)]);
  const model = new Reading();
  // Byte by byte: what comes whole in one piece with a bad frame is lost.
  for (let at = 0; at < 2000; at += 1) model.push(stream.subarray(at, at + 1));
  model.push(stream.subarray(2000));
  if (isJoined && model.messages.some(({ name }) => name === 'shutdown')) return 'left out';
  const fd = native.connect(daemonSocket);
  if (fd < 0) return `problem: connect gives ${fd}`;
  write(fd, stream);
  const ends = model.failed || (!isJoined && model.messages.length > 3);
  const answers = isJoined && model.atBoundary;
  if (answers && !ends) write(fd, encodeFrame({ name: 'ping', id: pingId, body: {} }));
  const heard = ends || answers ? listen(fd) : undefined;
  os.close(fd);
  if (heard === undefined) return 'hung up';
  if (heard.failed || heard.messages[0]?.name !== 'hello') return 'problem: it does not keep to the protocol';
  const codes = heard.messages.map(({ name, body }) => (name === 'error' ? body.code : ''));
  if (codes.includes('internal')) return 'problem: internal';
  if (!ends) return heard.messages.some(({ id }) => id === pingId) ? 'answered' : 'problem: no answer to a ping';
  return codes.some((code) => code !== '') ? 'refused' : 'problem: it says not why';
}

const tally: Record<string, number> = {};
for (let round = 0; round < Number(rounds); round += 1) {
  const outcome = attack();
  tally[outcome] = (tally[outcome] ?? 0) + 1;
}
std.out.puts(JSON.stringify(tally));
