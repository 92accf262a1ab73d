import { frameHeader, messages, payloadLimit, putHeader } from '@kheaders/shared';
import * as native from 'native';
import type { Digest } from './digest.js';
import { FileError } from './files.js';
import type { Link } from './link.js';

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

/**
 * Returns a function that queues the next messages in one block, and says how many bytes of the file they hold; 0 at its
 * end. The block goes out by write(2), in pieces as large as the link takes. splice(2) would save the copies but, before
 * Linux 6.5, hands a socket's reader one page at a time, each a packet of adb's of its own: a third longer for an archive.
 * Errors: FileError.
 */
export function makePieces(link: Link, { id, fd, path }: FileSource, hash: Digest | undefined): () => number {
  /** Blocks that have gone out: new memory costs a fault for each of its pages. */
  const spare: Uint8Array<ArrayBuffer>[] = [];
  /** The first goes alone, so that the host has something to begin with. */
  let pieces = 1;
  return () => {
    const block = spare.pop() ?? new Uint8Array(piecesInTurn * (frameHeader + pieceSize));
    let filled = 0;
    let size = 0;
    for (let piece = 0; piece < pieces; piece += 1) {
      const count = native.readFull(fd, block.buffer, filled + frameHeader, pieceSize);
      if (count < 0 && size === 0) throw new FileError(-count, path);
      if (count <= 0) break;
      hash?.update(block.buffer, filled + frameHeader, count);
      putHeader(block.subarray(filled), count, messages.data.tag, id);
      filled += frameHeader + count;
      size += count;
    }
    pieces = piecesInTurn;
    if (size > 0) link.sendBytes(block.subarray(0, filled), () => spare.push(block));
    return size;
  };
}
