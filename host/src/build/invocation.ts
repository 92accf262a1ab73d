import { spawn } from 'node:child_process';
import { type Context, abortError } from '../core/context.js';
import { readEnvironment } from '../core/environment.js';
import { KhError, errnoOf } from '../core/error.js';

/** A program to run: described by a plan, run by somebody else. */
export interface Invocation {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** What is set beside the caller's own environment; undefined: taken away. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Bytes of a program's output that are kept. */
const kept = 256 * 1024;

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  /** The last part of what it said on both streams. */
  readonly tail: string;
}

/**
 * Runs a program to its end and returns what it said; each piece of output is handed to `onOutput`, unchanged, as it
 * comes. Errors: `tool-missing`, `cancelled`, `timeout`.
 */
export async function runInvocation(
  { file, args, cwd, env }: Invocation,
  onOutput: ((chunk: Buffer) => void) | undefined,
  ctx: Context,
): Promise<Ran> {
  ctx.report({ kind: 'trace', what: 'run', text: [file, ...args].join(' ') });
  return new Promise((done, fail) => {
    const child = spawn(file, args, {
      cwd,
      env: { ...readEnvironment().env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      signal: ctx.signal,
      windowsHide: true,
    });
    const all = new Tail();
    const out = new Tail();
    child.stdout.on('data', (chunk: Buffer) => out.add(chunk));
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        all.add(chunk);
        onOutput?.(chunk);
      });
    }
    child.once('error', (error) => {
      if (ctx.signal.aborted) fail(abortError(ctx.signal));
      else fail(new KhError('tool-missing', `Cannot run ${file}`, { path: file, reason: errnoOf(error) ?? '' }, error));
    });
    child.once('close', (code) => done({ code, stdout: out.text(), tail: all.text() }));
  });
}

/** Runs a step of a build that has to succeed. Errors: `build-failed` with what it said, and those of runInvocation(). */
export async function runStep(what: string, invocation: Invocation, ctx: Context): Promise<string> {
  const { code, stdout, tail } = await runInvocation(invocation, undefined, ctx);
  if (code === 0) return stdout;
  const lines = tail.trim().split('\n');
  const output = lines.find((line) => /\berror\b/i.test(line)) ?? lines.at(-1) ?? '';
  throw new KhError('build-failed', `Cannot make ${what}`, { path: invocation.file, output });
}

/** The end of a stream of bytes. */
class Tail {
  #chunks: Buffer[] = [];
  #bytes = 0;

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    while (this.#bytes - (this.#chunks[0]?.length ?? 0) > kept) this.#bytes -= this.#chunks.shift()?.length ?? 0;
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }
}
