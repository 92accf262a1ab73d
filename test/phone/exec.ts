import { spawn } from 'node:child_process';

export interface Outcome {
  stdout: string;
  stderr: string;
  code: number;
}

export interface ExecOptions {
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  timeoutMs?: number;
}

/** Runs a program to its end and keeps what it wrote. A program killed by a signal or the time limit has code -1. */
export async function exec(file: string, args: readonly string[], options: ExecOptions = {}): Promise<Outcome> {
  const child = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: options.env ?? process.env,
    cwd: options.cwd,
    timeout: options.timeoutMs,
    killSignal: 'SIGKILL',
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (data: Buffer) => out.push(data));
  child.stderr.on('data', (data: Buffer) => err.push(data));
  const code = await new Promise<number>((done, fail) => {
    child.once('error', fail);
    child.once('close', (exitCode) => done(exitCode ?? -1));
  });
  return { stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString(), code };
}
