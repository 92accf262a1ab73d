import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { endAtExit, identify, type ProcessId } from './state.js';

export interface LaunchOptions {
  cwd: string;
  log: string;
  env?: NodeJS.ProcessEnv;
  /** true: lives on when this process ends. false: dies with it, even when it is killed. */
  detached: boolean;
}

function command(file: string, args: readonly string[], detached: boolean): [string, string[]] {
  // setpriv asks the kernel to send SIGKILL when the parent dies, which no exit handler can promise.
  return detached ? [file, [...args]] : ['setpriv', ['--pdeathsig', 'KILL', file, ...args]];
}

function openChild(file: string, args: readonly string[], options: LaunchOptions): ChildProcess {
  const log = openSync(options.log, 'a');
  const [program, words] = command(file, args, options.detached);
  const child = spawn(program, words, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    // A session of its own: Linux shares processors out by session, where a phone and those who use it would count as one.
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  child.unref();
  return child;
}

/** Starts a program that runs beside us. */
export async function launch(file: string, args: readonly string[], options: LaunchOptions): Promise<ProcessId> {
  const child = openChild(file, args, options);
  await new Promise<void>((done, fail) => {
    child.once('spawn', () => done());
    child.once('error', fail);
  });
  const id = identify(child.pid ?? -1);
  if (!options.detached) endAtExit(id);
  return id;
}
