import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { extrasPath, readExtra } from '../cache/extras.js';
import type { Cache, Entry } from '../cache/format.js';
import { temporaryPath } from '../cache/files.js';
import { type Context, makeContext, orAborted } from '../core/context.js';
import { readEnvironment } from '../core/environment.js';
import { KhError, errnoOf } from '../core/error.js';
import { findCache } from '../pull/find-cache.js';
import { type CacheOptions } from '../pull/options.js';

/** The BTF of a cached kernel that pullBtf() has read. Errors: `btf-missing` where it is not in the cache. */
export async function findBtf(entry: Entry, options: CacheOptions = {}): Promise<string> {
  const cache = await findCache(options);
  if ((await readExtra(cache, entry, 'btf')) === undefined) {
    throw new KhError('btf-missing', 'The cache has no BTF of this kernel', { release: entry.release });
  }
  return join(extrasPath(cache, entry), 'btf');
}

/**
 * Writes `vmlinux.h`, all types of a kernel in C, beside its BTF, and returns the path. bpftool does it: $BPFTOOL, or the one
 * in PATH or /usr/sbin. Errors: `tool-missing`, `btf-missing`, `build-failed` with bpftool's own words, `cancelled`.
 */
export async function writeVmlinuxHeader(entry: Entry, options: CacheOptions = {}): Promise<string> {
  const ctx = makeContext(options);
  const cache = await findCache(options);
  const btf = await findBtf(entry, options);
  const own = readEnvironment().env['BPFTOOL'];
  const programs = own ? [own] : ['bpftool', '/usr/sbin/bpftool'];
  for (const program of programs) {
    const path = await dump(program, btf, { cache, entry }, ctx);
    if (path !== undefined) return path;
  }
  throw new KhError('tool-missing', 'There is no bpftool', { path: 'bpftool', tried: programs });
}

interface Place {
  readonly cache: Cache;
  readonly entry: Entry;
}

/** Undefined where there is no such program. */
async function dump(program: string, btf: string, { cache, entry }: Place, ctx: Context): Promise<string | undefined> {
  const temporary = temporaryPath(cache);
  try {
    const { code, stderr } = await runInto(program, ['btf', 'dump', 'file', btf, 'format', 'c'], temporary, ctx);
    if (code !== 0) throw new KhError('build-failed', 'bpftool did not take the BTF', { path: btf, output: stderr });
    const path = join(extrasPath(cache, entry), 'vmlinux.h');
    await rename(temporary, path);
    return path;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Standard output goes into a file: it is some megabytes. */
async function runInto(
  program: string,
  args: readonly string[],
  path: string,
  ctx: Context,
): Promise<{ readonly code: number | null; readonly stderr: string }> {
  ctx.report({ kind: 'trace', what: 'run', text: [program, ...args].join(' ') });
  await using output = await open(path, 'wx');
  const child = spawn(program, args, { stdio: ['ignore', output.fd, 'pipe'], signal: ctx.signal });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (stderr = (stderr + chunk).slice(-4096)));
  const [code] = (await orAborted(once(child, 'close'), ctx)) as [number | null];
  return { code, stderr };
}
