import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { hash } from 'node:crypto';
import { resolve, sep } from 'node:path';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { defaultLimits } from '../archive/limits.js';
import { EntryPolicy } from '../archive/policy.js';
import { type TakeEntry, type TarEntry, parseTar } from '../archive/tar.js';
import { TreeWriter } from '../archive/write-tree.js';
import { publishFolder } from '../cache/extras.js';
import type { Cache, Entry } from '../cache/format.js';
import { type Context, throwIfAborted } from '../core/context.js';
import { KhError, errnoOf, withDetails } from '../core/error.js';
import { isKbuildFile } from './kbuild-file.js';

/** A kernel's tree has 80,000 files and 1.3 GB; this is where a tarball stops being one. */
const limits = { ...defaultLimits, entries: 20_000 };

/**
 * The Kbuild files of a kernel's tarball (.tar, .tar.gz, .tar.xz, below one folder or none), unpacked beside an
 * entry once: a second call for the same file (by place, size and time) finds them there. Returns the folder.
 * Errors: `usage`, `archive-corrupt`, `archive-refused`, `tool-missing` (no xz), `disk-full`, `cache-unwritable`.
 */
export async function unpackKbuild(
  cache: Cache,
  entry: Entry,
  { file, srcArch }: { readonly file: string; readonly srcArch: string },
  ctx: Context,
): Promise<string> {
  const path = resolve(file);
  const { size, mtimeMs } = await stat(path);
  const key = hash('sha256', JSON.stringify([path, size, mtimeMs, srcArch])).slice(0, 16);
  const unpack = (target: string) => extract(path, target, srcArch, ctx);
  return publishFolder(cache, entry, `kbuild-${key}`, unpack, ctx);
}

async function extract(file: string, target: string, srcArch: string, ctx: Context): Promise<void> {
  ctx.report({ kind: 'step', step: 'extract', detail: file });
  const policy = new EntryPolicy({ limits, caseInsensitive: false, windows: sep === '\\' });
  const writer = new TreeWriter(target, { file: 0o644, program: 0o755 });
  let prefix: string | undefined;
  const take: TakeEntry = (member, bytes, at) => {
    prefix ??= findPrefix(member);
    const chosen = choose(member, prefix ?? '', srcArch);
    if (chosen === undefined) return;
    const { parents, path, kind } = policy.judge(chosen);
    for (const parent of parents) writer.directory(parent);
    if (kind === 'file' || kind === 'program') writer.file(path, kind, { bytes, at, size: member.size });
  };
  try {
    const source = (await openTarball(file, ctx)) as AsyncIterable<Buffer>;
    await parseTar(source, { maxFileBytes: limits.fileBytes }, take, ctx);
  } catch (error) {
    throwIfAborted(ctx);
    throw withDetails(isZlibError(error) ? damaged(file, error) : error, { path: file });
  }
}

/** Folders at the top of a kernel's tree; files there have capitals, or a dot in front. */
const tops =
  /^(?:[.A-Z].*|android|arch|block|certs|crypto|drivers|fs|include|init|io_uring|ipc|kernel|lib|mm|net|rust|samples|scripts|security|sound|tools|usr|virt)$/;

/**
 * What stands before every path: tarballs of kernel.org and Debian begin with one folder, those of android.googlesource.com
 * with the tree itself. Undefined for the root, which does not tell.
 */
export function findPrefix({ path, kind }: Pick<TarEntry, 'path' | 'kind'>): string | undefined {
  const [first = '', second] = plain(path).split('/');
  if (first === '' || first === '.') return undefined;
  const isTop = kind === 'directory' || second !== undefined ? tops.test(first) : true;
  return isTop ? '' : `${first}/`;
}

function plain(path: string): string {
  return path.replace(/^(?:\.\/)+/, '').replace(/\/$/, '');
}

/** A member behind the prefix, if it is a file that is wanted. Links are left out. */
function choose(member: TarEntry, prefix: string, srcArch: string): TarEntry | undefined {
  const name = plain(member.path);
  if (member.kind !== 'file' || !name.startsWith(prefix)) return undefined;
  const path = name.slice(prefix.length);
  return isKbuildFile(path, srcArch) ? { ...member, path } : undefined;
}

async function openTarball(file: string, ctx: Context): Promise<AsyncIterable<unknown>> {
  const head = await readHead(file);
  const bytes = createReadStream(file, { highWaterMark: 1 << 20 });
  if (head[0] === 0x1f && head[1] === 0x8b)
    return pipeline(bytes, createGunzip({ chunkSize: 1 << 20 }), () => undefined);
  if (head[0] !== 0xfd || head[1] !== 0x37) return bytes;
  bytes.destroy();
  return runXz(file, ctx);
}

/** The machine's xz: lzma-native takes twice the time, and 1.3 GB are much. One thread, as in archive/xz-program.ts. */
async function* runXz(file: string, ctx: Context): AsyncGenerator<unknown, void, undefined> {
  const args = ['--decompress', '--stdout', '--format=xz', '--threads=1', '--', file];
  ctx.report({ kind: 'trace', what: 'run', text: ['xz', ...args].join(' ') });
  const child = spawn('xz', args, { stdio: ['ignore', 'pipe', 'ignore'], signal: ctx.signal, windowsHide: true });
  const ended = new Promise<number | null>((done, fail) => child.once('error', fail).once('close', done));
  ended.catch(() => undefined);
  try {
    for await (const chunk of child.stdout) yield chunk;
    const code = await ended;
    if (code !== 0) throw damaged(file);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    throw new KhError('tool-missing', 'Cannot run xz', { path: 'xz', reason: 'ENOENT' }, error);
  } finally {
    child.kill();
  }
}

function isZlibError(error: unknown): boolean {
  return errnoOf(error)?.startsWith('Z_') === true;
}

function damaged(path: string, cause?: unknown): KhError {
  return new KhError('archive-corrupt', 'The tarball is damaged', { path, reason: 'damaged' }, cause);
}

async function readHead(file: string): Promise<Buffer> {
  await using handle = await open(file, 'r');
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(6), 0, 6, 0);
  return buffer.subarray(0, bytesRead);
}
