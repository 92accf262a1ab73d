import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The CLI as it is published: the built file, not the sources. */
export const bin = fileURLToPath(new URL('../../../host/dist/kheaders.cjs', import.meta.url));

export interface CliResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliRun {
  readonly child: ChildProcess;
  /** Standard error so far. */
  stderr(): string;
  readonly done: Promise<CliResult>;
}

/** The variables that decide what the CLI does are ours alone, and what is set for the tests is not set for it. */
export function cleanEnv(env: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(ANDROID|ADB|KHEADERS|XDG|NO_COLOR|GLIBC_TUNABLES)/.test(name),
  );
  return { ...Object.fromEntries(kept), ...env };
}

export function startCli(args: readonly string[], env: Readonly<Record<string, string>>, program = bin): CliRun {
  const child = spawn(process.execPath, [program, ...args], { env: cleanEnv(env), stdio: ['ignore', 'pipe', 'pipe'] });
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => (text[name] += chunk));
  }
  const done = new Promise<CliResult>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, ...text }));
  });
  return { child, stderr: () => text.stderr, done };
}

export async function runCli(args: readonly string[], env: Readonly<Record<string, string>>): Promise<CliResult> {
  return startCli(args, env).done;
}
