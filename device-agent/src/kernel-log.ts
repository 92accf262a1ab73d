import { type MessageBody, decodeUtf8 } from '@kheaders/shared';
import * as native from 'native';
import * as os from 'os';
import { FileError } from './files.js';
import type { Link } from './link.js';
import { nextTurn, onReadable } from './loop.js';

/** A record of /dev/kmsg has at most this (kernel/printk: CONSOLE_EXT_LOG_MAX). */
const recordSize = 8192;
/** A reader that is this far behind loses lines rather than the phone its memory. */
const behindLimit = 1024 * 1024;
/** More than the log's buffer holds; a kernel that never stops talking must not hold us up. */
const finishLimit = 50_000;

/**
 * Follows the kernel's log; each read of /dev/kmsg gives one record: `level,sequence,microseconds,flags;text`
 * (Documentation/ABI/testing/dev-kmsg).
 */
export class KernelLog {
  readonly #link: Link;
  readonly #id: number;
  readonly #follow: boolean;
  readonly #after: number;
  readonly #buffer = new Uint8Array(recordSize);
  #fd: number;

  /** Begins at once. Errors: FileError. */
  constructor(link: Link, id: number, { after, follow, fresh }: MessageBody<'log'>) {
    this.#link = link;
    this.#id = id;
    this.#after = after;
    this.#follow = follow;
    this.#fd = os.open('/dev/kmsg', os.O_RDONLY | native.O_NONBLOCK | native.O_CLOEXEC);
    if (this.#fd < 0) throw new FileError(-this.#fd, '/dev/kmsg');
    // Behind the last record (kernel/printk/printk.c, devkmsg_llseek()).
    if (fresh) os.seek(this.#fd, 0, 2);
    if (follow) onReadable(this.#fd, () => void this.#read());
    else void this.#readToEnd();
  }

  get open(): boolean {
    return this.#fd >= 0;
  }

  /** Tells what is there already, and closes. */
  finish(): void {
    for (let left = finishLimit; left > 0 && this.#read(); left -= 1);
    this.close();
  }

  close(): void {
    if (this.#fd < 0) return;
    onReadable(this.#fd, null);
    os.close(this.#fd);
    this.#fd = -1;
  }

  /** Behind the last record /dev/kmsg is not readable, so there the end is found by reading. */
  async #readToEnd(): Promise<void> {
    for (; this.open; await nextTurn()) this.#read();
  }

  /** One record a turn, so that other descriptors are served between them. False where there is no more now. */
  #read(): boolean {
    const count = this.open ? os.read(this.#fd, this.#buffer.buffer, 0, recordSize) : -native.EAGAIN;
    if (count === -native.EAGAIN) {
      if (!this.#follow) this.#end();
      return false;
    }
    if (count > 0) this.#send(decodeUtf8(this.#buffer.subarray(0, count), true) ?? '');
    // EPIPE: records were overwritten before we read them; the next read goes on behind the gap.
    else if (count !== -native.EPIPE && count !== -native.EINTR) this.#end();
    return this.open;
  }

  #send(record: string): void {
    const at = record.indexOf(';');
    const [level = '', sequence = '', microseconds = ''] = record.slice(0, at).split(',');
    const text = record.slice(at + 1).split('\n')[0] ?? '';
    if (at < 0 || Number(sequence) <= this.#after || this.#link.waiting > behindLimit) return;
    const numbers = { sequence: Number(sequence), microseconds: Number(microseconds), level: Number(level) & 7 };
    this.#link.send({ name: 'line', id: this.#id, body: { ...numbers, text } });
  }

  #end(): void {
    this.close();
    this.#link.send({ name: 'end', id: this.#id, body: { size: 0, digest: new Uint8Array(0) } });
  }
}
