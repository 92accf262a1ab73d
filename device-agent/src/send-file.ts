import * as native from 'native';
import * as os from 'os';
import { Digest } from './digest.js';
import { FileError, openFile } from './files.js';
import type { Link } from './link.js';
import { nextTurn } from './loop.js';
import { makePieces, pieceSize } from './pieces.js';
import { Refusal } from './refusal.js';

/** How far the read of an archive may be ahead of its link, so that its module can be unloaded while it is still on the way. */
const aheadLimit = 24 * 1024 * 1024;
/** The same for other files. */
const usualAhead = 1024 * 1024;

export interface FileRequest {
  readonly path: string;
  readonly offset: number;
  readonly digest: boolean;
  /** The size of an archive whose module stays loaded until it has been read. */
  readonly leased: number | undefined;
  readonly reading: Reading;
}

/** A read that is under way. */
export interface Reading {
  readonly id: number;
  cancelled: boolean;
}

/**
 * Sends a file as data messages and an end. Returns when the last byte has been read: it may still wait in the link.
 * Errors: FileError; Refusal `cancelled` where the link closes or the host cancels.
 */
export async function sendFile(link: Link, request: FileRequest): Promise<void> {
  const { path, offset, digest, leased, reading } = request;
  const { id } = reading;
  const fd = openFile(path);
  const hash = digest ? new Digest() : undefined;
  const ahead = leased === undefined ? usualAhead : aheadLimit;
  try {
    let size = hash === undefined ? seek(fd, request) : skip(fd, offset, hash);
    const queue = makePieces(link, { id, fd, path }, hash);
    for (;;) {
      const count = queue();
      if (count === 0) break;
      size += count;
      // Lets the link hear, and others have their turn, between two blocks.
      await nextTurn();
      await link.drain(ahead);
      if (!link.open || reading.cancelled) throw new Refusal('cancelled');
    }
    const sum = hash === undefined ? new Uint8Array(0) : new Uint8Array(hash.finish());
    link.send({ name: 'end', id, body: { size, digest: sum } });
  } finally {
    os.close(fd);
  }
}

/** Goes to the offset, which it returns. Errors: FileError. */
function seek(fd: number, { offset, path }: FileRequest): number {
  const sought = offset > 0 ? os.seek(fd, offset, 0) : 0;
  if (sought < 0) throw new FileError(-sought, path);
  return offset;
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
