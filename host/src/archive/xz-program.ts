import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { abortError, type Context } from '../core/context.js';
import { readEnvironment } from '../core/environment.js';
import { KhError } from '../core/error.js';
import { untilAborted } from './until-aborted.js';

/** A running `xz --decompress`: reads xz on its stdin, writes plain bytes on its stdout. */
export type XzProcess = ChildProcessByStdio<Writable, Readable, Readable>;

/**
 * Starts the machine's own xz, or returns undefined where there is none. One thread: the multi-threaded decoder of
 * xz 5.3.3 to 5.8.0 has a memory error (CVE-2025-31115). The caller hands it to decodeThrough(), which ends it.
 */
export async function startXz(program: string, memoryLimit: number): Promise<XzProcess | undefined> {
  const limit = `--memlimit-decompress=${memoryLimit}`;
  const args = ['--decompress', '--stdout', '--format=xz', '--threads=1', limit];
  const { env } = readEnvironment();
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    windowsHide: true,
    // Options of the user's own must not reach this xz; its messages are read below.
    env: { ...env, XZ_DEFAULTS: '', XZ_OPT: '', LC_ALL: 'C' },
  });
  try {
    await once(child, 'spawn');
    return child;
  } catch {
    return undefined;
  }
}

/**
 * The plain bytes xz makes of source. Ends the process, whatever happens.
 *
 * @throws KhError as decodeXz(), and whatever source throws.
 */
export async function* decodeThrough(
  child: XzProcess,
  source: AsyncIterable<Uint8Array>,
  ctx: Context,
): AsyncGenerator<Buffer, void, undefined> {
  const ended = once(child, 'close');
  ended.catch(() => undefined);
  let messages = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (messages += text.slice(0, 4096)));
  const kill = (): void => void child.kill('SIGKILL');
  ctx.signal.addEventListener('abort', kill, { once: true });
  if (ctx.signal.aborted) kill();
  const feeding = feed(child, source, ctx);
  feeding.catch(kill);
  try {
    for await (const chunk of child.stdout) yield chunk as Buffer;
    await feeding;
    const [code] = (await ended) as [number | null];
    if (ctx.signal.aborted) throw abortError(ctx.signal);
    if (code !== 0) throw asXzError(messages);
  } finally {
    ctx.signal.removeEventListener('abort', kill);
    kill();
  }
}

/** Writes source to xz. An xz that has seen enough closes its stdin; why, its exit code tells. */
async function feed(child: XzProcess, source: AsyncIterable<Uint8Array>, ctx: Context): Promise<void> {
  const closed = new Promise<void>((resolve) => child.stdin.once('close', resolve).on('error', () => resolve()));
  for await (const chunk of untilAborted(source, ctx)) {
    if (child.stdin.destroyed) return;
    if (!child.stdin.write(chunk)) await Promise.race([once(child.stdin, 'drain').catch(() => undefined), closed]);
  }
  child.stdin.end();
}

/** xz's messages (5.2 to 5.8, src/xz/message.c) as decodeXz()'s reasons. */
const reasons: readonly (readonly [string, string])[] = [
  ['Unexpected end of input', 'truncated'],
  ['File format not recognized', 'not-xz'],
  ['Unsupported', 'unsupported-xz'],
];

function asXzError(messages: string): KhError {
  if (messages.includes('Memory usage limit')) {
    const details = { reason: 'memory-limit' };
    return new KhError('archive-refused', 'The archive needs too much memory to decompress', details);
  }
  const reason = reasons.find(([message]) => messages.includes(message))?.[1] ?? 'damaged';
  return new KhError('archive-corrupt', `The archive is not a whole xz file (${reason})`, { reason });
}
