import { closeSync, constants, mkdirSync, openSync, symlinkSync, writeSync } from 'node:fs';
import { sep, toNamespacedPath } from 'node:path';
import { errnoOf, KhError } from '../core/error.js';
import type { FileContent, TreeVisitor } from '../core/tree.js';

/**
 * Creates a tree below an existing directory. Its calls are synchronous: thousands of small files cost a thread switch each
 * otherwise, which is four times as slow. It only ever creates: whatever exists already is an error, and so a symlink
 * is never followed. Paths are the policy's: relative, clean, parents first, no link above them.
 *
 * Files get the mode `modes` has for their kind, less the umask; directories 0755.
 *
 * The calls throw KhError `disk-full` or `cache-unwritable`; `details.path` is the file, `details.reason` the errno.
 */
export class TreeWriter implements TreeVisitor {
  readonly #base: string;
  readonly #modes: FileModes;

  constructor(root: string, modes: FileModes) {
    // On Windows this lifts the length limit of paths, and makes names such as `aux.h` ordinary ones.
    this.#base = toNamespacedPath(root) + sep;
    this.#modes = modes;
  }

  directory(path: string): void {
    const place = this.#place(path);
    try {
      mkdirSync(place, 0o755);
    } catch (error) {
      throw diskError(error, place);
    }
  }

  file(path: string, kind: 'file' | 'program', content: FileContent): void {
    const place = this.#place(path);
    try {
      writeNewFile(place, this.#modes[kind], content);
    } catch (error) {
      throw diskError(error, place);
    }
  }

  symlink(path: string, target: string): void {
    const place = this.#place(path);
    try {
      symlinkSync(target, place);
    } catch (error) {
      throw diskError(error, place);
    }
  }

  #place(path: string): string {
    return this.#base + (sep === '/' ? path : path.replaceAll('/', sep));
  }
}

export interface FileModes {
  readonly file: number;
  readonly program: number;
}

const createOnly = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;

function writeNewFile(place: string, mode: number, { bytes, at, size }: FileContent): void {
  const descriptor = openSync(place, createOnly, mode);
  try {
    for (let done = 0; done < size;) done += writeSync(descriptor, bytes, at + done, size - done);
  } finally {
    closeSync(descriptor);
  }
}

/** A failed write as `disk-full` or `cache-unwritable`. */
export function diskError(error: unknown, path: string): KhError {
  const reason = errnoOf(error) ?? 'unknown';
  if (reason === 'ENOSPC' || reason === 'EDQUOT') {
    return new KhError('disk-full', `No space is left for ${path}`, { path, reason }, error);
  }
  return new KhError('cache-unwritable', `Cannot write ${path} (${reason})`, { path, reason }, error);
}
