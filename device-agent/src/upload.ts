import * as native from 'native';
import * as os from 'os';
import { FileError } from './files.js';
import { Refusal } from './refusal.js';

/** Where the file is made: the first is on every Android, the last on whatever has a /dev. */
const folders = ['/data/local/tmp', '/tmp', '/dev'] as const;
/** More than any module with its debug information; a host's mistake must not fill the phone. */
const sizeLimit = 256 * 1024 * 1024;

/**
 * A file that a host sends piece by piece. It loses its name as soon as it is made, so whatever is killed, nothing of it
 * stays; others reach it through this process's descriptor.
 */
export class Upload {
  #writing: number;
  #reading: number;
  #size = 0;

  /** Errors: FileError. */
  constructor() {
    this.#writing = createNameless();
    // A file of its own, because the kernel loads no module from one that somebody has open for writing (ETXTBSY).
    this.#reading = os.open(`/proc/self/fd/${this.#writing}`, os.O_RDONLY | native.O_CLOEXEC);
    if (this.#reading >= 0) return;
    const errno = -this.#reading;
    this.close();
    throw new FileError(errno, '/proc/self/fd');
  }

  /** Errors: FileError; Refusal `io` for a file that is too large. */
  append(bytes: Uint8Array): void {
    this.#size += bytes.length;
    if (this.#size > sizeLimit) throw new Refusal('io', { errno: native.EINVAL, detail: 'the file is too large' });
    for (let at = 0; at < bytes.length;) {
      const start = bytes.byteOffset + at;
      const count = os.write(this.#writing, bytes.buffer as ArrayBuffer, start, bytes.length - at);
      if (count <= 0) throw new FileError(-count, folders[0]);
      at += count;
    }
  }

  /** Nothing is written from now on. The path under which root can open it, until close(). */
  finish(): string {
    os.close(this.#writing);
    this.#writing = -1;
    return `/proc/${native.pid()}/fd/${this.#reading}`;
  }

  close(): void {
    for (const fd of [this.#writing, this.#reading]) if (fd >= 0) os.close(fd);
    this.#writing = -1;
    this.#reading = -1;
  }
}

function createNameless(): number {
  const flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | native.O_CLOEXEC | native.O_NOFOLLOW;
  let failed = native.ENOENT;
  for (const folder of folders) {
    const path = `${folder}/.kheaders-upload-${native.pid()}`;
    os.remove(path);
    const fd = os.open(path, flags, 0o600);
    if (fd >= 0) {
      os.remove(path);
      return fd;
    }
    failed = -fd;
  }
  throw new FileError(failed, folders[0]);
}
