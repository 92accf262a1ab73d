import { execFile, spawn, type ChildProcessByStdio } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { constants } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type AgentChild, AgentProcess } from '../support/agent-process.js';

const source = fileURLToPath(new URL('start-agents.c', import.meta.url));

/** Compiles start-agents.c into a folder and returns the program's path. */
export async function buildStarter(folder: string): Promise<string> {
  const program = join(folder, 'start-agents');
  await promisify(execFile)('gcc', ['-O2', '-Wall', '-Werror', '-o', program, source]);
  return program;
}

/** Starts agents by way of start-agents.c, one after the other: the next when the last has ended. */
export class AgentStarter implements AsyncDisposable {
  readonly #socket: string;
  readonly #process: ChildProcessByStdio<null, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  /** `socket` is a path that is free, and short enough for a socket's. */
  constructor(program: string, socket: string, command: readonly string[]) {
    this.#socket = socket;
    this.#process = spawn(program, [socket, ...command], { stdio: ['ignore', 'pipe', 'inherit'], cwd: '/' });
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  /** Call once, before all else. */
  async listens(): Promise<void> {
    await this.#nextLine();
  }

  async start(): Promise<AgentProcess> {
    const stdin = await this.#connect();
    const stdout = await this.#connect();
    const child = new StartedAgent(Number(await this.#nextLine()), stdin, stdout);
    child.ends(this.#nextLine());
    return new AgentProcess(child);
  }

  async #connect(): Promise<Socket> {
    const socket = connect(this.#socket);
    await once(socket, 'connect');
    return socket;
  }

  async #nextLine(): Promise<string> {
    const { done, value } = await this.#lines.next();
    if (done === true) throw new Error('start-agents ended');
    return value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill();
    if (this.#process.exitCode === null && this.#process.signalCode === null) await once(this.#process, 'exit');
  }
}

class StartedAgent extends EventEmitter implements AgentChild {
  /** What it says there comes to the process that started start-agents. */
  readonly stderr = undefined;

  constructor(
    readonly pid: number,
    readonly stdin: Socket,
    readonly stdout: Socket,
  ) {
    super();
  }

  /** `close` comes when it has ended and all it said was read, as for a process of Node's. */
  ends(line: Promise<string>): void {
    const closed = once(this.stdout, 'close');
    void Promise.all([line, closed]).then(
      ([status]) => {
        const [code = -1, signal = 0] = status.split(' ').map(Number);
        this.stdin.destroy();
        this.emit('close', code < 0 ? null : code, nameSignal(signal));
      },
      (error: unknown) => this.emit('error', error),
    );
  }

  /** Hangs up, which ends it; one that hangs is ended with its starter. Its pid may be another's already. */
  kill(): void {
    this.stdin.destroy();
    this.stdout.destroy();
  }
}

function nameSignal(signal: number): NodeJS.Signals | null {
  const found = Object.entries(constants.signals).find(([, number]) => number === signal);
  return found === undefined ? null : (found[0] as NodeJS.Signals);
}
