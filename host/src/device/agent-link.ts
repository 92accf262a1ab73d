import {
  FrameReader,
  type Message,
  type MessageBody,
  type MessageName,
  encodeFrame,
  frameMagic,
  WireError,
  protocolVersion,
} from '@kheaders/shared';
import type { DeviceAddress } from '../adb/device-service.js';
import { type ShellProcess, openShell } from '../adb/shell.js';
import { type Context, orAborted, withDeadline } from '../core/context.js';
import { isKhError } from '../core/error.js';
import { tool } from '../core/tool.js';
import { AgentChannel } from './agent-channel.js';
import { AgentFailure, AgentRefusal, type AgentTrouble } from './agent-refusal.js';

/** A request without its id. */
export type AgentRequest = {
  readonly [N in RequestName]: { readonly name: N; readonly body: MessageBody<N> };
}[RequestName];

type RequestName =
  'identity' | 'find' | 'lease' | 'release' | 'read' | 'stat' | 'log' | 'cancel' | 'store' | 'status' | 'shutdown';

/** How the helper is started. */
export interface AgentStart {
  /** The helper's file on the phone: a plain word. */
  readonly path: string;
  /** The build it must be. */
  readonly build: string;
  /** Turns a command into one that runs it as root, or as it is. */
  readonly wrap: (script: string) => string;
  /** Longest wait for its hello; default 20 s. */
  readonly milliseconds?: number | undefined;
  /** Has it speak through a connection of its own as soon as there is one: for much that comes. */
  readonly channel?: boolean;
  /** Runs it in a shell that is open already, if there is one. */
  readonly become?: ((command: string, input: Uint8Array) => ShellProcess | undefined) | undefined;
}

const helloMilliseconds = 20_000;
/** The helper ends when it has heard nothing for 20 s. */
const pingMilliseconds = 5_000;
/** It answers each ping: no byte for so long, while we wait for one, and the connection is dead. */
const silenceMilliseconds = 30_000;
/** Of a sha256. */
const digestBytes = 32;

/**
 * Starts the helper and sends it requests, all in one write: it carries them out in order, so none waits for a round
 * trip. They have the ids 1, 2, … Errors: AgentFailure; those of openShell().
 */
export async function openAgentLink(
  address: DeviceAddress,
  start: AgentStart,
  requests: readonly AgentRequest[],
  ctx: Context,
): Promise<AgentLink> {
  const hello: Message = {
    name: 'hello',
    id: 0,
    body: { protocol: protocolVersion, build: start.build, sender: `${tool.name} ${tool.version}` },
  };
  const frames = requests.map((request, index) => encodeFrame({ ...request, id: index + 1 }));
  const channel = start.channel === true ? new AgentChannel(address, ctx) : undefined;
  const channelId = requests.length + 1;
  if (channel !== undefined) {
    frames.unshift(encodeFrame({ name: 'channel', id: channelId, body: { name: channel.name } }));
  }
  const input = Buffer.concat([Buffer.from(frameMagic), encodeFrame(hello), ...frames]);
  const command = start.wrap(`exec ${start.path} --stdio`);
  const shell = start.become?.(command, input) ?? (await openShell(address, command, ctx, { input }));
  const link = new AgentLink(shell, channelId, ctx, channel);
  try {
    await greet(link, start, ctx);
    return link;
  } catch (error) {
    await link[Symbol.asyncDispose]();
    throw error;
  }
}

async function greet(link: AgentLink, { build, milliseconds = helloMilliseconds }: AgentStart, ctx: Context) {
  const hello = await inTime('mute', milliseconds, () => link.hello(), ctx);
  if (hello.protocol === protocolVersion && hello.build === build) return;
  const found = `protocol ${hello.protocol}, build ${hello.build.slice(0, 40)}`;
  throw new AgentFailure('version', `it is another version (${found}; expected ${protocolVersion}, ${build})`);
}

/** Waits so long and no longer. Errors: an AgentFailure with that trouble; those of the work. */
export async function inTime<T>(
  trouble: AgentTrouble,
  milliseconds: number,
  work: () => Promise<T>,
  ctx: Context,
): Promise<T> {
  using deadline = withDeadline(ctx, milliseconds, 'the helper on the phone');
  try {
    return await orAborted(work(), deadline);
  } catch (error) {
    if (ctx.signal.aborted || !isKhError(error, 'timeout')) throw error;
    throw new AgentFailure(trouble, `it did not answer within ${milliseconds / 1000} s`, error);
  }
}

/**
 * A framed conversation with the helper. It reads from the phone only what is asked for, so a slow reader slows the
 * phone down. Once anything is wrong with the frames it is closed, and every further call fails the same way.
 */
export class AgentLink implements AsyncDisposable {
  readonly #shell: ShellProcess;
  readonly #stdout: AsyncIterator<Buffer>;
  readonly #channel: AgentChannel | undefined;
  readonly #channelId: number;
  /** Where it speaks now. */
  #source: AsyncIterator<Buffer>;
  readonly #ctx: Context;
  readonly #reader = new FrameReader({ inPieces: true });
  readonly #queue: Message[] = [];
  /** How many of the queue were taken: a shift() moves all the others. */
  #taken = 0;
  readonly #pings = new Set<number>();
  readonly #timer: NodeJS.Timeout;
  #lastId: number;
  #junk = '';
  #failure: Error | undefined;
  /** Since when a byte is waited for. */
  #waiting: number | undefined;

  /** `lastId`: that of the last request that was sent already, which is the one for the channel if there is one. */
  constructor(shell: ShellProcess, lastId: number, ctx: Context, channel?: AgentChannel) {
    this.#shell = shell;
    this.#stdout = shell.stdout[Symbol.asyncIterator]();
    this.#source = this.#stdout;
    this.#channel = channel;
    this.#channelId = lastId;
    this.#lastId = lastId;
    this.#ctx = ctx;
    this.#timer = setInterval(() => this.#beat(), pingMilliseconds).unref();
  }

  /** Sends a request; its id is that of the replies. */
  request(request: AgentRequest): number {
    const id = (this.#lastId += 1);
    this.#shell.write(encodeFrame({ ...request, id }));
    return id;
  }

  /** The helper's first message. Errors: AgentFailure; those of the connection. */
  async hello(): Promise<MessageBody<'hello'>> {
    const message = await this.#take();
    if (message.name === 'hello') return message.body;
    throw await this.#fail(new AgentFailure('framing', `it began with ${message.name}`));
  }

  /**
   * The next message for a request; replies come in the order of the requests. Errors: AgentRefusal where the helper
   * refused, which leaves the link as it is; AgentFailure; `device-lost` and others of the connection.
   */
  async next(id: number): Promise<Message> {
    const message = await this.receive();
    if (message.id !== id) throw await this.#fail(new AgentFailure('framing', `it answered ${message.id}, not ${id}`));
    if (message.name === 'error') throw new AgentRefusal(message.body);
    if (message.name === 'end') await this.#checkDigest(message.body.digest);
    return message;
  }

  /**
   * The next message for any request, an error among them: for who has several requests under way. Errors: AgentFailure;
   * `device-lost` and others of the connection.
   */
  async receive(): Promise<Message> {
    for (;;) {
      const message = await this.#take();
      if (this.#pings.delete(message.id) || this.#isOfChannel(message)) continue;
      if (message.id !== 0) return message;
      if (message.name === 'notice') this.#note(message.body.text);
      else throw await this.#fail(complain(message));
    }
  }

  /** The one reply to a request. Errors: as next(). */
  async reply<N extends MessageName>(id: number, name: N): Promise<MessageBody<N>> {
    const message = await this.next(id);
    if (message.name === name) return message.body as MessageBody<N>;
    throw await this.#fail(new AgentFailure('framing', `it answered with ${message.name} in place of ${name}`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#channel?.[Symbol.asyncDispose]();
    await this.#shell[Symbol.asyncDispose]();
  }

  /** The helper listens, or has moved there; an error: it stays where it is. */
  #isOfChannel({ name, id }: Message): boolean {
    if (this.#channel === undefined || id !== this.#channelId) return false;
    if (name === 'done') this.#channel.open();
    if (name === 'moved') this.#source = this.#channel.read();
    return true;
  }

  async #checkDigest({ length }: Uint8Array): Promise<void> {
    if (length !== 0 && length !== digestBytes) {
      throw await this.#fail(new AgentFailure('framing', `its digest has ${length} bytes`));
    }
  }

  async #take(): Promise<Message> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      const message = this.#queue[this.#taken];
      this.#taken += 1;
      if (message !== undefined) return message;
      this.#queue.length = 0;
      this.#taken = 0;
      await this.#read();
    }
  }

  async #read(): Promise<void> {
    this.#waiting = performance.now();
    try {
      const next = await this.#source.next();
      if (next.done === true && this.#source === this.#stdout) throw this.#ended();
      if (next.done === true) {
        // How it ended is told on the other way.
        this.#source = this.#stdout;
        return;
      }
      if (!this.#reader.begun) this.#junk = (this.#junk + next.value.toString('latin1')).slice(0, 1000);
      for (const message of this.#reader.push(next.value)) this.#queue.push(message);
    } catch (error) {
      throw await this.#fail(error instanceof WireError ? new AgentFailure('framing', nonsense(error), error) : error);
    } finally {
      this.#waiting = undefined;
    }
  }

  /** The program has ended; its exit code tells more than the end of its output. */
  #ended(): AgentFailure {
    const { code, stderr } = this.#shell.exit();
    const begun = this.#reader.begun;
    // A su that puts its child on a terminal turns LF into CRLF.
    if (!begun && this.#junk.includes(frameMagic.replace('\n', '\r\n'))) {
      return new AgentFailure('start', 'su puts it on a terminal, which corrupts binary data');
    }
    const said = (stderr.trim() || (begun ? '' : this.#junk.trim())).split('\n')[0] ?? '';
    const why = `exit code ${code}${said === '' ? '' : `, ${said.slice(0, 200)}`}`;
    return new AgentFailure(begun ? 'ended' : 'start', `it ${begun ? 'ended' : 'did not start'} (${why})`);
  }

  /** Closes the link for good. */
  async #fail(error: unknown): Promise<Error> {
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
    await this[Symbol.asyncDispose]();
    return this.#failure;
  }

  #note(text: string): void {
    this.#ctx.report({ kind: 'warning', warning: 'agent', message: text.slice(0, 400) });
  }

  #beat(): void {
    if (this.#waiting !== undefined && performance.now() - this.#waiting > silenceMilliseconds) {
      // The reader then meets a lost device.
      return void this[Symbol.asyncDispose]();
    }
    const id = (this.#lastId += 1);
    this.#pings.add(id);
    this.#shell.write(encodeFrame({ name: 'ping', id, body: {} }));
  }
}

function nonsense({ message }: WireError): string {
  return `it does not keep to the protocol (${message})`;
}

/** The helper found fault with our own frames, or said something out of turn. */
function complain(message: Message): AgentFailure {
  if (message.name !== 'error') return new AgentFailure('framing', `it said ${message.name} out of turn`);
  const { code, detail } = message.body;
  return new AgentFailure(
    code === 'bad-version' ? 'version' : 'framing',
    `it refused us: ${code} ${detail.slice(0, 200)}`,
  );
}
