import { spawn } from 'node:child_process';
import { KhError, errnoOf } from './error.js';
import { type Context, abortError } from './context.js';

export interface RunResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const outputLimit = 64 * 1024;

/**
 * Runs a program to its end without a shell and returns what it said (the first 64 KiB of each stream). A program that
 * starts a daemon may keep the pipes open, so its exit, not the end of its output, ends the wait.
 * Errors: `tool-missing`, `cancelled`, `timeout`.
 */
export async function runProgram(file: string, args: readonly string[], ctx: Context): Promise<RunResult> {
  ctx.report({ kind: 'trace', what: 'run', text: [file, ...args].join(' ') });
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], signal: ctx.signal, windowsHide: true });
    const text = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (chunk: string) => {
        if (text[name].length < outputLimit) text[name] += chunk;
      });
    }
    child.once('error', (error) => {
      if (ctx.signal.aborted) reject(abortError(ctx.signal));
      else {
        const details = { path: file, reason: errnoOf(error) ?? 'unknown' };
        reject(new KhError('tool-missing', `Cannot run ${file}`, details, error));
      }
    });
    child.once('exit', (code) => {
      setImmediate(() => {
        child.stdout.destroy();
        child.stderr.destroy();
        resolve({ code, ...text });
      });
    });
  });
}
