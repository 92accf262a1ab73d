import { frameHeader, messages, payloadLimit, putHeader } from '@kheaders/shared';
import * as native from 'native';
import * as os from 'os';
import type { Digest } from './digest.js';
import { FileError } from './files.js';
import type { Link } from './link.js';
import { Refusal } from './refusal.js';

/** One data message: small enough for the host to begin with while the next are on the way. */
export const pieceSize = payloadLimit;
/** Messages made between two looks at the link: each look costs as much as making some of them. */
const piecesInTurn = 4;

/** An open file that is sent as data messages. */
export interface FileSource {
  readonly id: number;
  readonly fd: number;
  readonly path: string;
}

/** A way to make messages of a file. */
export interface Pieces {
  /** Queues the next ones, and says how many bytes of the file they hold; 0 at its end. Errors: FileError, Refusal `cancelled`. */
  readonly queue: () => Promise<number>;
  /** No more are wanted; those that are queued stay good. */
  readonly finish: () => void;
}

/** Through the memory of this process: takes any file, and can compute its digest. */
export function copyPieces(link: Link, { id, fd, path }: FileSource, hash: Digest | undefined): Pieces {
  let ended = false;
  const queue = (): number => {
    if (ended) return 0;
    const block = new Uint8Array(piecesInTurn * (frameHeader + pieceSize));
    let filled = 0;
    let size = 0;
    for (let piece = 0; piece < piecesInTurn; piece += 1) {
      const count = native.readFull(fd, block.buffer, filled + frameHeader, pieceSize);
      if (count < 0) throw new FileError(-count, path);
      ended = count < pieceSize;
      if (count === 0) break;
      hash?.update(block.buffer, filled + frameHeader, count);
      putHeader(block.subarray(filled), count, messages.data.tag, id);
      filled += frameHeader + count;
      size += count;
      if (ended) break;
    }
    if (size > 0) link.sendBytes(block.subarray(0, filled));
    return size;
  };
  return { queue: () => Promise.resolve(queue()), finish: () => undefined };
}

/**
 * Through a pipe, so that no byte of the file comes into this process: on an emulated phone, whose kernel clears every new
 * page, this saves a tenth of a pull. Undefined where the file cannot be read so (splice(2): EINVAL), such as most of /proc.
 * `ahead`: bytes of the file that may wait in the pipe; more than 1 MB is for root, others get less.
 */
export function pipePieces(link: Link, { id, fd, path }: FileSource, ahead: number): Pieces | undefined {
  const pipe = os.pipe();
  if (pipe === null) return undefined;
  const [output, input] = pipe;
  // A smaller one does as well, only that the link has to be waited for.
  for (let size = ahead; size >= pieceSize && native.setPipeSize(input, size) < 0;) size = Math.floor(size / 2);
  let first: number | undefined = native.splice(fd, input, pieceSize);
  const finish = (): void => {
    os.close(input);
    // What waits in the link is still in the pipe.
    void link.drain(0).then(() => os.close(output));
  };
  // Reading it tells better why, if it cannot be read at all.
  if (first < 0) {
    finish();
    return undefined;
  }

  /** The bytes that went into the pipe. */
  async function fill(): Promise<number> {
    const count = first ?? native.splice(fd, input, pieceSize);
    first = undefined;
    if (count !== -native.EAGAIN) return count;
    // It is full; or else the file has nothing now, which is the answer then.
    link.uncork();
    await link.drain(0);
    if (!link.open) throw new Refusal('cancelled');
    return native.splice(fd, input, pieceSize);
  }

  async function queue(): Promise<number> {
    let size = 0;
    for (let piece = 0; piece < piecesInTurn; piece += 1) {
      const count = await fill();
      if (count < 0) throw new FileError(-count, path);
      if (count === 0) break;
      link.sendBytes(putHeader(new Uint8Array(frameHeader), count, messages.data.tag, id));
      link.sendPiped(output, count);
      size += count;
    }
    return size;
  }

  return { queue, finish };
}
