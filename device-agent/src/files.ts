import { decodeUtf8, encodeUtf8 } from '@kheaders/shared';
import * as native from 'native';
import * as os from 'os';

/** A file operation that failed; errno is positive. */
export class FileError extends Error {
  readonly errno: number;
  readonly path: string;

  constructor(errno: number, path: string) {
    super(`errno ${errno} on ${path}`);
    this.errno = errno;
    this.path = path;
  }
}

/** Opens a file for reading, without waiting for a writer of a pipe; the caller closes it. Errors: FileError. */
export function openFile(path: string): number {
  const fd = os.open(path, os.O_RDONLY | native.O_NONBLOCK | native.O_CLOEXEC);
  if (fd < 0) throw new FileError(-fd, path);
  return fd;
}

/** Most files here have some hundred bytes; new memory is slow on a phone. */
const pieceSize = 4 * 1024;

/**
 * A whole small file, by reading to its end: the engine's own loadFile() trusts a size that /proc and /sys do not tell.
 * Errors: FileError.
 */
export function readBytes(path: string, limit = 1024 * 1024): Uint8Array {
  const fd = openFile(path);
  try {
    return readRest(fd, limit, path);
  } finally {
    os.close(fd);
  }
}

/** What can still be read, at most `limit` bytes. Errors: FileError, which names `path`. */
export function readRest(fd: number, limit: number, path = ''): Uint8Array {
  const pieces: Uint8Array[] = [];
  let total = 0;
  for (;;) {
    const piece = new Uint8Array(Math.min(pieceSize, limit - total));
    const count = native.readFull(fd, piece.buffer, 0, piece.length);
    if (count < 0) throw new FileError(-count, path);
    pieces.push(piece.subarray(0, count));
    total += count;
    if (count < piece.length || total === limit) return join(pieces, total);
  }
}

function join(pieces: readonly Uint8Array[], total: number): Uint8Array {
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** The text of a small file; undefined where it cannot be read. */
export function readText(path: string): string | undefined {
  try {
    return decodeUtf8(readBytes(path), true);
  } catch (error) {
    if (error instanceof FileError) return undefined;
    throw error;
  }
}

/** The first line of a small file without its end; empty where it cannot be read. */
export function readLine(path: string): string {
  return readText(path)?.split('\n')[0] ?? '';
}

export function exists(path: string): boolean {
  return os.stat(path)[1] === 0;
}

export function isReadable(path: string): boolean {
  const fd = os.open(path, os.O_RDONLY | native.O_CLOEXEC);
  if (fd >= 0) os.close(fd);
  return fd >= 0;
}

/** Writes a small file that exists already, e.g. of a cgroup; false where that fails. */
export function writeInto(path: string, text: string): boolean {
  const fd = os.open(path, os.O_WRONLY | native.O_CLOEXEC);
  if (fd < 0) return false;
  const bytes = encodeUtf8(text);
  const written = os.write(fd, bytes.buffer as ArrayBuffer, 0, bytes.length);
  os.close(fd);
  return written === bytes.length;
}

/** What replaceFile() writes to first; what is left of one that was killed meanwhile. */
export function partOf(path: string): string {
  return `${path}.new`;
}

/** Puts a file in place by rename, readable by its owner alone. One process at a time may do so. Errors: FileError. */
export function replaceFile(path: string, text: string): void {
  const part = partOf(path);
  os.remove(part);
  const flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | native.O_CLOEXEC | native.O_NOFOLLOW;
  const fd = os.open(part, flags, 0o600);
  if (fd < 0) throw new FileError(-fd, part);
  const bytes = encodeUtf8(text);
  const written = os.write(fd, bytes.buffer as ArrayBuffer, 0, bytes.length);
  os.close(fd);
  const failed = written < 0 ? written : os.rename(part, path);
  if (failed >= 0) return;
  os.remove(part);
  throw new FileError(-failed, path);
}

export function toHex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
