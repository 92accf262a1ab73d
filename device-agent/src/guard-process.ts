import { encodeUtf8 } from '@kheaders/shared';
import * as native from 'native';
import * as os from 'os';
import { farewell, runGuard } from './guard.js';
import { after, onReadable, startProcess } from './loop.js';

/** One that dies again and again is not started for ever. */
const startLimit = 20;

export interface GuardOptions {
  /** The text of the state (formatState()). */
  readonly describe: () => string;
  /** What the guard does, in its own process, when the daemon was killed. */
  readonly takeOver: (last: string) => void;
  /** Called once, when there is a guard, or none can be had. */
  readonly ready: () => void;
}

/**
 * The daemon's end of its guard: a process that takes over when the daemon is killed. It is told the state after every
 * change and learns of the death by the end of its socket. A guard that was killed is started anew.
 */
export class GuardProcess {
  readonly #options: GuardOptions;
  #socket = -1;
  #starts = 0;
  pid = 0;

  constructor(options: GuardOptions) {
    this.#options = options;
    this.#start();
  }

  /** Tells the guard the state as it is. */
  tell(): void {
    this.#write(this.#options.describe());
  }

  /** Ends the guard: there is nothing to look after any more. */
  dismiss(): void {
    this.#write(farewell);
    if (this.#socket >= 0) onReadable(this.#socket, null);
  }

  #start(): void {
    this.#starts += 1;
    const pair = native.socketpair();
    if (typeof pair === 'number') return after(0, () => this.#started());
    const [ours, theirs] = pair;
    startProcess(
      () => runGuard(theirs, this.#options.takeOver),
      (pid) => {
        os.close(theirs);
        this.pid = Math.max(0, pid);
        this.#socket = ours;
        onReadable(ours, () => this.#died());
        this.tell();
        this.#started();
      },
    );
  }

  #started(): void {
    if (this.#starts === 1) this.#options.ready();
  }

  #died(): void {
    onReadable(this.#socket, null);
    os.close(this.#socket);
    this.#socket = -1;
    this.pid = 0;
    if (this.#starts < startLimit) this.#start();
  }

  #write(text: string): void {
    if (this.#socket < 0) return;
    const bytes = encodeUtf8(text);
    os.write(this.#socket, bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length);
  }
}
