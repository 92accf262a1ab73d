import { closeSync, constants, mkdirSync, openSync, symlinkSync, writeSync } from 'node:fs';
import { sep, toNamespacedPath } from 'node:path';
import { errnoOf, KhError } from '../core/error.js';

/** Creates a tree below one directory. Paths are the policy's: relative, clean, parents first, no link above them. */
export interface TreeWriter {
  makeDirectory(path: string): void;
  /** Creates a file; mode as for open(2), less the umask. */
  writeFile(path: string, mode: number, content: Uint8Array): void;
  makeLink(path: string, target: string): void;
}

/**
 * A writer into an existing directory. Its calls are synchronous: thousands of small files cost a thread switch each
 * otherwise, which is four times as slow. It only ever creates: whatever exists already is an error, and so a symlink
 * is never followed.
 *
 * The calls throw KhError `disk-full` or `cache-unwritable`; `details.path` is the file, `details.reason` the errno.
 */
export function makeTreeWriter(root: string): TreeWriter {
  // On Windows this lifts the length limit of paths, and makes names such as `aux.h` ordinary ones.
  const base = toNamespacedPath(root) + sep;
  const place = (path: string): string => base + (sep === '/' ? path : path.replaceAll('/', sep));
  return {
    makeDirectory(path) {
      const file = place(path);
      try {
        mkdirSync(file, 0o755);
      } catch (error) {
        throw diskError(error, file);
      }
    },
    writeFile(path, mode, content) {
      const file = place(path);
      try {
        writeNewFile(file, mode, content);
      } catch (error) {
        throw diskError(error, file);
      }
    },
    makeLink(path, target) {
      const file = place(path);
      try {
        symlinkSync(target, file);
      } catch (error) {
        throw diskError(error, file);
      }
    },
  };
}

const createOnly = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;

function writeNewFile(file: string, mode: number, content: Uint8Array): void {
  const descriptor = openSync(file, createOnly, mode);
  try {
    for (let at = 0; at < content.length;) at += writeSync(descriptor, content, at);
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
