import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync, readSync, unlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { platform } from 'node:process';
import type { Readable, Writable } from 'node:stream';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { throwIfAborted, type Context } from '../core/context.js';
import { readEnvironment } from '../core/environment.js';
import { KhError } from '../core/error.js';
import { untilAborted } from './until-aborted.js';
import { diskError } from './write-tree.js';

/** A running `xz --decompress`: reads xz on its stdin, writes plain bytes into a file. */
export interface XzProcess {
  readonly child: ChildProcessByStdio<Writable, null, Readable>;
  /** A descriptor of what it writes. */
  readonly plain: number;
  readonly scratch: string;
  /** False where the file has no name any more, which the system has to allow: it goes with the last who has it open. */
  readonly named: boolean;
}

export interface XzProgramOptions {
  readonly program: string;
  /** Bytes. */
  readonly memoryLimit: number;
  /** Bytes of plain text; a file that grows beyond ends the process. */
  readonly totalBytes: number;
  /** A file to create, on a disk with room for the plain archive: 31 MB. */
  readonly scratch: string;
}

/** Options of the user's own must not reach this xz; its messages are read below. */
const ownMessages = { XZ_DEFAULTS: '', XZ_OPT: '', LC_ALL: 'C' };

/** Its dictionary has 8 MiB, used once: in pages of 2 MiB that is 4 faults and not 2048. glibc 2.35 or later, else ignored. */
const hugePages = { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' };

/**
 * Starts the machine's own xz, or returns undefined where there is none. One thread: the multi-threaded decoder of
 * xz 5.3.3 to 5.8.0 has a memory error (CVE-2025-31115). It writes into a file because Node reads a pipe 64 KiB at a
 * time, which costs 150 ms of processor for one archive. The caller hands the process to decodeThrough(), which ends it.
 *
 * @throws KhError `disk-full`, `cache-unwritable` where the file cannot be created.
 */
export async function startXz(options: XzProgramOptions): Promise<XzProcess | undefined> {
  const { program, memoryLimit, scratch } = options;
  const plain = openScratch(scratch);
  const limit = `--memlimit-decompress=${memoryLimit}`;
  const { env } = readEnvironment();
  const child = spawn(program, ['--decompress', '--stdout', '--format=xz', '--threads=1', limit], {
    stdio: ['pipe', plain, 'pipe'],
    // A session of its own: Ctrl-C is for us, who end it and say that we were cancelled; and Linux shares processors out by
    // session (sched_autogroup), where it would count as one with us.
    detached: platform !== 'win32',
    windowsHide: true,
    env: { ...hugePages, ...env, ...ownMessages },
  });
  try {
    await once(child, 'spawn');
  } catch {
    closeSync(plain);
    await rm(scratch, { force: true });
    return undefined;
  }
  return { child: child as XzProcess['child'], plain, scratch, named: !tryUnlink(scratch) };
}

function openScratch(path: string): number {
  try {
    return openSync(path, 'wx+', 0o600);
  } catch (error) {
    throw diskError(error, path);
  }
}

/** False on Windows, where a file that is open keeps its name. */
function tryUnlink(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch {
    return false;
  }
}

/**
 * The plain bytes xz makes of source, while it makes them; a piece lasts until the next one is asked for. Ends the
 * process and removes its file, whatever happens.
 *
 * @throws KhError as decodeXz(), `archive-refused` with reason `total-size`, `disk-full`, and whatever source throws.
 */
export async function* decodeThrough(
  xz: XzProcess,
  source: AsyncIterable<Uint8Array>,
  options: XzProgramOptions,
  ctx: Context,
): AsyncGenerator<Buffer, void, undefined> {
  const { child, plain } = xz;
  let code: number | null | undefined;
  const ended = once(child, 'close').then(([status]) => (code = status as number | null));
  let messages = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (messages += text.slice(0, 4096)));
  const kill = (): void => void child.kill('SIGKILL');
  let failure: { readonly error: unknown } | undefined;
  const feeding = feed(child, source, ctx).catch((error: unknown) => {
    failure = { error };
    kill();
  });
  try {
    yield* follow(plain, () => code !== undefined, options.totalBytes, ctx);
    // An xz that refuses does not wait for the rest of its input, and neither do we.
    if (code === 0) await feeding;
    if (failure !== undefined) throw failure.error;
    if (code !== 0) throw asXzError(messages, xz.scratch);
  } finally {
    kill();
    await ended;
    closeSync(plain);
    if (xz.named) await rm(xz.scratch, { force: true }).catch(() => undefined);
  }
}

/** Writes source to xz. An xz that has seen enough closes its stdin; why, its exit code tells. */
async function feed(child: XzProcess['child'], source: AsyncIterable<Uint8Array>, ctx: Context): Promise<void> {
  const closed = new Promise<void>((resolve) => child.stdin.once('close', resolve).on('error', () => resolve()));
  for await (const chunk of untilAborted(source, ctx)) {
    if (child.stdin.destroyed) return;
    if (!child.stdin.write(chunk)) await Promise.race([once(child.stdin, 'drain').catch(() => undefined), closed]);
  }
  child.stdin.end();
}

const readBytes = 256 * 1024;
const waitMilliseconds = 3;
/** Pieces between two looks at how far xz is ahead of us: what it writes too much is soon found, and each look costs. */
const piecesBetweenLooks = 8;

/**
 * The bytes of a file that grows, until its writer has ended; in pieces of one size, because each costs a turn of every
 * reader. All share one buffer: fresh memory for each would cost as much as reading.
 */
async function* follow(
  descriptor: number,
  hasEnded: () => boolean,
  limit: number,
  ctx: Context,
): AsyncGenerator<Buffer, void, undefined> {
  const buffer = Buffer.allocUnsafeSlow(readBytes);
  let filled = 0;
  for (let at = 0; ;) {
    throwIfAborted(ctx);
    if (at % (piecesBetweenLooks * readBytes) === 0) assertWithin(fstatSync(descriptor).size, limit);
    // Asked before the read, so that nothing written before the end is missed.
    const last = hasEnded();
    filled += readSync(descriptor, buffer, filled, readBytes - filled, at + filled);
    if (filled < readBytes && !last) {
      await sleep(waitMilliseconds);
      continue;
    }
    if (filled === 0) return;
    yield buffer.subarray(0, filled);
    at += filled;
    filled = 0;
    await nextTurn();
  }
}

function assertWithin(size: number, limit: number): void {
  if (size > limit) throw new KhError('archive-refused', 'The archive is too large', { reason: 'total-size' });
}

/** xz's messages (5.2 to 5.8, src/xz/message.c) as decodeXz()'s reasons. */
const reasons: readonly (readonly [string, string])[] = [
  ['Unexpected end of input', 'truncated'],
  ['File format not recognized', 'not-xz'],
  ['Unsupported', 'unsupported-xz'],
];

function asXzError(messages: string, scratch: string): KhError {
  if (messages.includes('No space left')) {
    return new KhError('disk-full', 'No space is left to decompress the archive', { path: scratch, reason: 'ENOSPC' });
  }
  if (messages.includes('Memory usage limit')) {
    const details = { reason: 'memory-limit' };
    return new KhError('archive-refused', 'The archive needs too much memory to decompress', details);
  }
  const reason = reasons.find(([message]) => messages.includes(message))?.[1] ?? 'damaged';
  return new KhError('archive-corrupt', `The archive is not a whole xz file (${reason})`, { reason });
}
