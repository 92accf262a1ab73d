import { KhError } from '../core/error.js';

/** Shell protocol v2 (AOSP shell_protocol.h): u8 id, u32le length, bytes. */
export const shellFrame = { stdin: 0, stdout: 1, stderr: 2, exit: 3, closeStdin: 4 } as const;

export interface ShellFrame {
  readonly id: number;
  readonly data: Buffer;
}

const headerSize = 5;
/** adbd sends at most its packet size, 1 MiB; anything larger is not this protocol. */
const frameLimit = 16 * 1024 * 1024;

/**
 * Splits a byte stream into frames. Standard output comes in the pieces in which it arrives: adbd's frames have up to
 * 1 MiB, and to put those together again would copy an archive several times. Every other frame comes whole; one that is
 * cut off at the end is dropped. Errors: `adb-protocol`.
 */
export async function* readShellFrames(source: AsyncIterable<Buffer>): AsyncGenerator<ShellFrame> {
  /** A header, or a frame, that is not whole yet. */
  let pending: Buffer = Buffer.alloc(0);
  /** Bytes of standard output that the frame still has. */
  let left = 0;
  for await (const chunk of source) {
    let bytes = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    while (bytes.length > 0) {
      if (left > 0) {
        const data = bytes.subarray(0, left);
        left -= data.length;
        bytes = bytes.subarray(data.length);
        yield { id: shellFrame.stdout, data };
        continue;
      }
      const header = readHeader(bytes);
      if (header?.id === shellFrame.stdout) {
        left = header.length;
        bytes = bytes.subarray(headerSize);
        continue;
      }
      if (header === undefined || bytes.length < headerSize + header.length) break;
      yield { id: header.id, data: bytes.subarray(headerSize, headerSize + header.length) };
      bytes = bytes.subarray(headerSize + header.length);
    }
    pending = bytes;
  }
}

function readHeader(bytes: Buffer): { readonly id: number; readonly length: number } | undefined {
  if (bytes.length < headerSize) return undefined;
  const length = bytes.readUInt32LE(1);
  if (length > frameLimit) throw new KhError('adb-protocol', `The device sent a shell frame of ${length} bytes`);
  return { id: bytes.readUInt8(0), length };
}

/** One frame as bytes. */
export function encodeShellFrame(id: number, data: Uint8Array = new Uint8Array()): Buffer {
  const header = Buffer.alloc(headerSize);
  header.writeUInt8(id, 0);
  header.writeUInt32LE(data.length, 1);
  return Buffer.concat([header, data]);
}
