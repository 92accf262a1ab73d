import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createHash } from 'node:crypto';
import type { KernelIdentity } from '@kheaders/shared';
import { makeContext, type Context } from '../../../../../host/src/core/context.js';
import type { Event } from '../../../../../host/src/core/events.js';
import { makeTree, type Tree, type TreeKind, type TreeVisitor } from '../../../../../host/src/core/tree.js';
import type { Cache, Entry } from '../../../../../host/src/cache/format.js';
import type { EntryFacts } from '../../../../../host/src/cache/manifest.js';
import { publish } from '../../../../../host/src/cache/publish.js';
import { openStaging, writeArchive, type Staging } from '../../../../../host/src/cache/staging.js';
import type { WalkArchive } from '../../../../../host/src/cache/verify.js';
import { programArguments } from '../../../../support/program.js';

export const release = '6.1.25-android14-11-gdeadbeef';
export const silent: Context = makeContext();

export const identity: KernelIdentity = {
  release,
  procVersion: `Linux version ${release} (build@host) #1 SMP`,
  machine: 'aarch64',
};

/** A context that keeps what is reported. */
export function listeningContext(): Context & { readonly events: readonly Event[] } {
  const events: Event[] = [];
  return { ...makeContext({ onEvent: (event) => events.push(event) }), events };
}

/** A small generator of numbers in [0, 1): one seed, one sequence (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

interface FakeMember {
  readonly path: string;
  readonly kind: TreeKind;
  /** Of a file; a symlink's target. */
  readonly content: string;
}

/** What an archive named `seed` "holds", in its order: the same for the same seed, in every process. */
function membersOf(seed: string, files: number): readonly FakeMember[] {
  const directories = ['include', ...[0, 1, 2, 3, 4].map((n) => `include/d${n}`)];
  return [
    ...directories.map((path) => ({ path, kind: 'directory' as const, content: '' })),
    ...Array.from({ length: files }, (_, n) => {
      return { path: `include/d${n % 5}/h,${n}.h`, kind: 'file' as const, content: `/* ${seed} ${n} */\n`.repeat(n) };
    }),
    { path: 'include/run.sh', kind: 'program', content: '#!/bin/sh\n' },
    { path: 'include/asm', kind: 'symlink', content: 'd0' },
  ];
}

function treeOf(members: readonly FakeMember[]): Tree {
  const kinds = new Map(members.map(({ path, kind }) => [path, kind]));
  const sizes = members.map(({ kind, content }) => (kind === 'symlink' ? 0 : content.length));
  return makeTree(
    kinds,
    sizes.reduce((sum, size) => sum + size, 0),
  );
}

/** Stands for the archive layer: fills an empty directory and says what is in it. */
export async function extractFake(seed: string, directory: string, files = 20): Promise<Tree> {
  const members = membersOf(seed, files);
  for (const { path, kind, content } of members) {
    const place = join(directory, path);
    if (kind === 'directory') await mkdir(place);
    else if (kind === 'symlink') await symlink(content, place);
    else await writeFile(place, content);
  }
  return treeOf(members);
}

/** Stands for the archive layer, too: shows what extractFake() writes for an archive of fillStaging(). */
export const walkFake: WalkArchive = async (archivePath, visitor) => {
  const [, seed = '', files] = /^(.*):(\d+)\n/.exec(await readFile(archivePath, 'utf8')) ?? [];
  const members = membersOf(seed, Number(files));
  for (const member of members) showMember(visitor, member);
  return treeOf(members);
};

/** A file's content lies between other bytes, and is gone after the call. */
function showMember(visitor: TreeVisitor, { path, kind, content }: FakeMember): void {
  if (kind === 'directory') visitor.directory(path);
  else if (kind === 'symlink') visitor.symlink(path, content);
  else {
    const bytes = Buffer.from(`before${content}behind`);
    visitor.file(path, kind, { bytes, at: 6, size: content.length });
    bytes.fill(0);
  }
}

/** The whole way of a pull from the first byte of the archive to the entry. */
export async function publishFake(cache: Cache, seed: string, change: Partial<EntryFacts> = {}): Promise<Entry> {
  await using staging = await openStaging(cache, silent);
  const { facts, tree } = await fillStaging(staging, seed);
  return await publish(staging, { ...facts, ...change }, tree, silent);
}

export async function fillStaging(
  staging: Staging,
  seed: string,
  files = 20,
): Promise<{ readonly facts: EntryFacts; readonly tree: Tree }> {
  const archive = await writeArchive(staging, chunks(seed, files), silent);
  const tree = await extractFake(seed, staging.headersDir, files);
  return { facts: factsOf(archive), tree };
}

async function* chunks(seed: string, files: number): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`${seed}:${files}\n`);
  for (let n = 0; n < 10; n++) yield Buffer.from(`${seed} ${n}`.repeat(100));
}

export function factsOf(archive: EntryFacts['archive']): EntryFacts {
  return {
    release,
    machine: 'aarch64',
    archive,
    source: { kind: 'live', devicePath: '/sys/kernel/kheaders.tar.xz' },
    provenance: { serial: 'emulator-5554', model: 'Pixel, 8' },
    identity,
    layout: 'headers',
    createdAt: '2026-01-02T03:04:05.678Z',
    tool: { name: 'kheaders', version: '0.1.0' },
  };
}

export interface ChildRun {
  readonly pid: number;
  /** Resolves with what it printed when it ends, however it ends. */
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
  /** Resolves with its first output, or when it ends. */
  readonly filled: Promise<unknown>;
  kill(): void;
}

/** A user who owns nothing. */
export const nobody = 65534;

/** Lets every user look for the entries of a cache; what is published they may read anyway. */
export async function openToOthers(path: string): Promise<void> {
  await chmod(path, 0o755);
  for (const child of await readdir(path, { withFileTypes: true })) {
    if (child.isDirectory() && child.name !== 'headers') await openToOthers(join(path, child.name));
  }
}

/** Runs support/child.program.ts, as another user if a uid is given. */
export function runChild(args: readonly string[], uid?: number): ChildRun {
  const program = programArguments(new URL('child.program.ts', import.meta.url));
  const child = spawn(process.execPath, [...program, ...args], {
    ...(uid === undefined ? {} : { uid, gid: uid }),
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    env: { PATH: process.env['PATH'], HOME: '/dev/null' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...output }));
  const filled = Promise.race([once(child.stdout, 'data'), ended]);
  return { pid: child.pid ?? 0, ended, filled, kill: () => void child.kill('SIGKILL') };
}
