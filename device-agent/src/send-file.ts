import { frameHeader, messages, payloadLimit, putHeader } from '@kheaders/shared';
import * as native from 'native';
import * as os from 'os';
import { Digest } from './digest.js';
import { FileError, openFile } from './files.js';
import type { Link } from './link.js';
import { Refusal } from './refusal.js';
import { nextTurn } from './loop.js';

/**
 * How far a read may be ahead of its link: more than any archive known, so that the module can be unloaded while its
 * archive is still on the way; far less than the engine's memory limit.
 */
const aheadLimit = 24 * 1024 * 1024;

/** One data message: small enough for the host to begin with while the next are on the way. */
const pieceSize = payloadLimit / 2;
/** Messages made between two looks at the link: each look costs as much as making some of them. */
const piecesInTurn = 8;

export interface FileRequest {
  readonly id: number;
  readonly path: string;
  readonly offset: number;
  readonly digest: boolean;
  /** A module stays loaded until it has been read. */
  readonly leased: boolean;
}

/**
 * Sends a file as data messages and an end. Returns when the last byte has been read: it may still wait in the link.
 * Errors: FileError; Refusal `cancelled` where the link closes.
 */
export async function sendFile(link: Link, { id, path, offset, digest, leased }: FileRequest): Promise<void> {
  const fd = openFile(path);
  const hash = digest ? new Digest() : undefined;
  try {
    let size = hash === undefined ? offset : skip(fd, offset, hash);
    const sought = hash === undefined && offset > 0 ? os.seek(fd, offset, 0) : 0;
    if (sought < 0) throw new FileError(-sought, path);
    for (let more = true; more;) {
      const block = new Uint8Array(piecesInTurn * (frameHeader + pieceSize));
      let filled = 0;
      for (let piece = 0; piece < piecesInTurn && more; piece += 1) {
        const count = native.readFull(fd, block.buffer, filled + frameHeader, pieceSize);
        if (count < 0) throw new FileError(-count, path);
        more = count === pieceSize;
        hash?.update(block.buffer, filled + frameHeader, count);
        size += count;
        if (count === 0) break;
        putHeader(block.subarray(filled), count, messages.data.tag, id);
        filled += frameHeader + count;
      }
      link.sendBytes(block.subarray(0, filled));
      // The other end has something to begin with; sending it the rest would only keep the module loaded longer.
      if (leased && link.waiting < aheadLimit) link.cork();
      else link.uncork();
      // Lets the link hear, and others have their turn, between two blocks.
      await nextTurn();
      await link.drain(aheadLimit);
      if (!link.open) throw new Refusal('cancelled');
    }
    const sum = hash === undefined ? new Uint8Array(0) : new Uint8Array(hash.finish());
    link.send({ name: 'end', id, body: { size, digest: sum } });
  } finally {
    link.uncork();
    os.close(fd);
  }
}

/** Reads up to an offset for the digest alone; sysfs cannot be read from the middle without that anyway. */
function skip(fd: number, offset: number, hash: Digest): number {
  const buffer = new ArrayBuffer(pieceSize);
  let at = 0;
  while (at < offset) {
    const count = native.readFull(fd, buffer, 0, Math.min(pieceSize, offset - at));
    if (count <= 0) break;
    hash.update(buffer, 0, count);
    at += count;
  }
  return at;
}
