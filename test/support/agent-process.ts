import { execFile, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  FrameReader,
  type Message,
  type MessageBody,
  type MessageName,
  encodeFrame,
  frameMagic,
  protocolVersion,
} from '@kheaders/shared';

const buildCommand = fileURLToPath(new URL('../../scripts/build-agent', import.meta.url));
/** The agent's files, as scripts/build-agent leaves them. */
export const agentFolder = fileURLToPath(new URL('../../device-agent/dist', import.meta.url));

export interface AgentFiles {
  readonly build: string;
  readonly agents: Readonly<Record<string, { readonly sha256: string; readonly size: number }>>;
}

/** Makes them anew where a source has changed. */
export async function buildAgents(): Promise<void> {
  await promisify(execFile)(buildCommand);
}

export function readAgentFiles(): AgentFiles {
  return JSON.parse(readFileSync(join(agentFolder, 'agents.json'), 'utf8')) as AgentFiles;
}

/** Longer than anything takes, in an emulator on a busy machine; what takes longer hangs. */
const patienceMilliseconds = 30_000;

export interface AgentEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** What of a ChildProcess is used: `error` with the reason, or `close` with exit code and signal, comes in the end. */
export interface AgentChild extends EventEmitter {
  readonly pid?: number | undefined;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable | undefined;
  kill(signal: NodeJS.Signals): unknown;
}

/** `agent --stdio` of a command line, as a user where one is given. */
export function spawnAgent(command: readonly string[], uid?: number): AgentProcess {
  const [file = '', ...args] = command;
  const user = uid === undefined ? {} : { uid, gid: uid };
  return new AgentProcess(spawn(file, [...args, '--stdio'], { stdio: ['pipe', 'pipe', 'pipe'], cwd: '/', ...user }));
}

/** `agent --stdio`, seen from its host. Nothing is sent by itself. */
export class AgentProcess {
  readonly #child: AgentChild;
  readonly #reader = new FrameReader();
  readonly #news = new EventEmitter();
  readonly #heard: Message[] = [];
  #stderr = '';
  /** Above those of the golden frames. */
  #lastId = 0x4000_0000;
  #end: AgentEnd | undefined;

  constructor(child: AgentChild) {
    this.#child = child;
    this.#child.stdout.on('data', (bytes: Buffer) => this.#take(bytes));
    this.#child.stderr?.on('data', (bytes: Buffer) => (this.#stderr += bytes.toString()));
    // A write to an agent that has ended.
    this.#child.stdin.on('error', () => undefined);
    this.#child.on('error', (error: unknown) => this.#finish(null, null, String(error)));
    this.#child.on('close', (code: number | null, signal: NodeJS.Signals | null) =>
      this.#finish(code, signal, this.#stderr),
    );
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Where it has ended. */
  get end(): AgentEnd | undefined {
    return this.#end;
  }

  /** Messages that nobody has taken. */
  get heard(): readonly Message[] {
    return this.#heard;
  }

  /** All messages that nobody has taken, which are taken by that. */
  takeAll(): readonly Message[] {
    return this.#heard.splice(0);
  }

  write(...parts: readonly (Uint8Array | string)[]): void {
    this.#child.stdin.write(Buffer.concat(parts.map((part) => Buffer.from(part))));
  }

  /** Bytes that it has not taken yet. */
  get unsent(): number {
    return this.#child.stdin.writableLength;
  }

  /** Ends its input. */
  hangUp(): void {
    this.#child.stdin.end();
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Takes nothing more, until listen(). */
  ignore(): void {
    this.#child.stdout.pause();
  }

  listen(): void {
    this.#child.stdout.resume();
  }

  /** Magic and hello; returns the agent's. */
  async greet(body: Partial<MessageBody<'hello'>> = {}): Promise<MessageBody<'hello'>> {
    this.write(greeting(body));
    return expectName(await this.next(0), 'hello');
  }

  /** Sends requests in one write; returns their ids. */
  send(...requests: readonly Request[]): readonly number[] {
    const sent = requests.map((request) => ({ ...request, id: (this.#lastId += 1) }));
    this.write(...sent.map((message) => encodeFrame(message)));
    return sent.map(({ id }) => id);
  }

  /** The first reply to a request, an error included. */
  async ask(request: Request): Promise<Message> {
    return this.next(this.send(request)[0]!);
  }

  /** The next message with an id. Errors: the agent ended, or says nothing. */
  async next(id: number): Promise<Message> {
    return this.until(`an answer to ${id}`, () => {
      const at = this.#heard.findIndex((message) => message.id === id);
      return at < 0 ? undefined : this.#heard.splice(at, 1)[0];
    });
  }

  /** Every message of a request up to one that is not `data` or `line`. */
  async all(id: number): Promise<readonly Message[]> {
    const found: Message[] = [];
    for (;;) {
      const message = await this.next(id);
      found.push(message);
      if (message.name !== 'data' && message.name !== 'line') return found;
    }
  }

  /** Waits for it to end. Errors: it does not. */
  async ended(): Promise<AgentEnd> {
    return this.until('its end', () => this.#end, true);
  }

  /** What `look` finds, tried after each piece of news. Errors: the agent ended, or nothing came in time. */
  async until<T>(what: string, look: () => T | undefined, evenEnded = false): Promise<T> {
    const signal = AbortSignal.timeout(patienceMilliseconds);
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (this.#end !== undefined && !evenEnded) throw new Error(`the agent ended: ${JSON.stringify(this.#end)}`);
      await once(this.#news, 'news', { signal }).catch((cause: unknown) => {
        throw new Error(`the agent gives no sign of ${what}; it said ${this.#stderr}`, { cause });
      });
    }
  }

  #take(bytes: Buffer): void {
    for (const message of this.#reader.push(bytes)) this.#heard.push(message);
    this.#news.emit('news');
  }

  #finish(code: number | null, signal: NodeJS.Signals | null, stderr: string): void {
    this.#end ??= { code, signal, stderr };
    this.#news.emit('news');
  }
}

/** A request without its id. */
export type Request = { readonly [N in MessageName]: { readonly name: N; readonly body: MessageBody<N> } }[MessageName];

/** What a host says first. */
export function greeting(body: Partial<MessageBody<'hello'>> = {}): Buffer {
  const { build } = readAgentFiles();
  const hello = { protocol: protocolVersion, build, sender: 'a test', ...body };
  return Buffer.concat([Buffer.from(frameMagic), encodeFrame({ name: 'hello', id: 0, body: hello })]);
}

/** The body of a message that must have a name. */
export function expectName<N extends MessageName>(message: Message, name: N): MessageBody<N> {
  if (message.name === name) return message.body as MessageBody<N>;
  throw new Error(`${message.name} in place of ${name}: ${JSON.stringify(message.body).slice(0, 300)}`);
}

/** Starts an agent that is killed when the test ends. */
export function startAgent(t: TestContext, command: readonly string[], uid?: number): AgentProcess {
  const agent = spawnAgent(command, uid);
  t.after(() => agent.kill());
  return agent;
}

/** True while a process runs; one that nobody has buried does not. */
export async function isRunning(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => 'State:\tX');
  return !/^State:\s+[XZ]/m.test(status);
}

/** Resident memory of a process in KiB. */
export async function residentKilobytes(pid: number): Promise<number> {
  return Number(/^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

/** Tries until something is true; the bound is generous. */
export async function eventually(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + patienceMilliseconds; performance.now() < end; await sleep(50)) {
    if (await isTrue()) return;
  }
  throw new Error(`not within ${patienceMilliseconds / 1000} s: ${what}`);
}
