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

/** Splits a byte stream into frames; the last, partial frame is dropped. Errors: `adb-protocol`. */
export async function* readShellFrames(source: AsyncIterable<Buffer>): AsyncGenerator<ShellFrame> {
  let pending: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    let offset = 0;
    while (pending.length - offset >= headerSize) {
      const length = pending.readUInt32LE(offset + 1);
      if (length > frameLimit) {
        throw new KhError('adb-protocol', `The device sent a shell frame of ${length} bytes`);
      }
      if (pending.length - offset < headerSize + length) break;
      const start = offset + headerSize;
      yield { id: pending.readUInt8(offset), data: pending.subarray(start, start + length) };
      offset = start + length;
    }
    pending = pending.subarray(offset);
  }
}

/** One frame as bytes. */
export function encodeShellFrame(id: number, data: Uint8Array = new Uint8Array()): Buffer {
  const header = Buffer.alloc(headerSize);
  header.writeUInt8(id, 0);
  header.writeUInt32LE(data.length, 1);
  return Buffer.concat([header, data]);
}
