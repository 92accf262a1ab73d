import { createHash, randomBytes } from 'node:crypto';
import {
  type Stats,
  chmodSync,
  readdirSync,
  renameSync,
  rmSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { lstat, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pid, platform } from 'node:process';
import { setImmediate } from 'node:timers/promises';
import { throwIfAborted, type Context } from '../core/context.js';
import { errnoOf } from '../core/error.js';
import { corrupt } from './errors.js';
import type { Cache } from './format.js';
import { hostTag } from './host-tag.js';

/** A new path in tmp/. Its name says who made it, so that a later run can tell rubbish from work in progress. */
export function temporaryPath(cache: Cache): string {
  return join(cache.tmp, `${pid}-${hostTag()}-${randomBytes(6).toString('hex')}`);
}

/** Undefined if nothing is there. Does not follow a symlink. */
export async function lstatIfPresent(path: string): Promise<Stats | undefined> {
  return unlessAbsent(lstat(path));
}

/** The names in a directory, sorted; none if it does not exist. */
export async function readNames(path: string): Promise<readonly string[]> {
  return ((await unlessAbsent(readdir(path))) ?? []).sort();
}

/** The text of a small file; undefined if it does not exist. Throws `cache-corrupt` if it has more than `limit` bytes. */
export async function readSmallFile(path: string, limit: number): Promise<string | undefined> {
  const found = await unlessAbsent(stat(path));
  if (found === undefined) return undefined;
  if (!found.isFile() || found.size > limit) throw corrupt('A file is not what it must be', path, 'type or size');
  return unlessAbsent(readFile(path, 'utf8'));
}

/** Writes a file that must not exist yet, readable by all and writable by nobody, and waits until it is on the disk. */
export async function writeSealedFile(path: string, text: string): Promise<void> {
  await writeFile(path, text, { flag: 'wx', flush: true });
  chmodSync(path, 0o444);
}

/** Puts a file in place as a whole, in place of an older one. Not forced to the disk. */
export function replaceFile(cache: Cache, path: string, text: string): void {
  replace(cache, path, (temporary) => writeFileSync(temporary, text, { flag: 'wx' }));
}

/** Puts a symlink in place, in place of an older one: at every moment there is one of the two. */
export function replaceSymlink(cache: Cache, path: string, target: string): void {
  replace(cache, path, (temporary) => symlinkSync(target, temporary));
}

function replace(cache: Cache, path: string, make: (temporary: string) => void): void {
  const temporary = temporaryPath(cache);
  try {
    make(temporary);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/**
 * Deletes a file or a tree, read-only directories included. Nothing there is fine, and so is another who deletes it too.
 * Each directory at one go: a promise for each file costs several times as much as to delete it.
 */
export async function removeTree(path: string): Promise<void> {
  if ((await lstatIfPresent(path))?.isDirectory()) await removeDirectory(path);
  else await rm(path, { force: true });
}

async function removeDirectory(path: string): Promise<void> {
  await setImmediate();
  skipAbsent(() => chmodSync(path, 0o700));
  for (const child of skipAbsent(() => readdirSync(path, { withFileTypes: true })) ?? []) {
    const place = join(path, child.name);
    if (child.isDirectory()) await removeDirectory(place);
    else skipAbsent(() => unlinkSync(place));
  }
  skipAbsent(() => rmdirSync(path));
}

function skipAbsent<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Waits until a file's bytes are on the disk. */
export async function syncFile(path: string): Promise<void> {
  await using handle = await open(path, 'r+');
  await handle.sync();
}

/** Waits until a directory's names are on the disk. Windows cannot do that. */
export async function syncDirectory(path: string): Promise<void> {
  if (platform === 'win32') return;
  await using handle = await open(path, 'r');
  await handle.sync();
}

/** The bytes of a file, in pieces that last. */
export async function* readPieces(path: string): AsyncGenerator<Buffer, void, undefined> {
  await using file = await open(path, 'r');
  for (;;) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(pieceBytes), 0, pieceBytes);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Each read is a thread's turn. */
const pieceBytes = 256 * 1024;

/** sha256 (hex) of a file, read piece by piece. */
export async function hashFile(path: string, ctx: Context): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(1 << 16);
  await using file = await open(path, 'r');
  for (;;) {
    throwIfAborted(ctx);
    const { bytesRead } = await file.read(buffer);
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
  }
  return hash.digest('hex');
}

/** Undefined where what the promise works on is not there. */
export async function unlessAbsent<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}
