import { type Context, throwIfAborted } from '../core/context.js';
import { KhError } from '../core/error.js';
import { assertDecoded, openXzDecoder, sliceBytes } from './xz-decoder.js';

export interface XzStreamOptions {
  /** Bytes the decoder may take for its dictionary. */
  readonly memoryLimit: number;
  /** Bytes of plain text. */
  readonly totalBytes: number;
}

/**
 * Decodes the one xz stream that bytes begin with; yields its plain bytes and returns how long it is. What follows it is
 * not looked at: a kernel image does not say where the archive inside it ends, only the stream does.
 *
 * @throws KhError as decodeXz(), and `archive-refused` with reason `file-size`.
 */
export async function* decodeXzStream(
  bytes: Uint8Array,
  { memoryLimit, totalBytes }: XzStreamOptions,
  ctx: Context,
): AsyncGenerator<Buffer, number, undefined> {
  const decoder = await openXzDecoder('stream', memoryLimit);
  let total = 0;
  try {
    for (let at = 0; ; at += sliceBytes) {
      throwIfAborted(ctx);
      const slice = bytes.subarray(at, at + sliceBytes);
      const decoded = await decoder.decode(slice.length === 0 ? null : slice);
      for (const piece of decoded.output) {
        total += piece.length;
        if (total > totalBytes)
          throw new KhError('archive-refused', 'The xz file is too large', { reason: 'file-size' });
        yield piece;
      }
      assertDecoded(decoded);
      if (decoded.end !== undefined) return decoded.end;
    }
  } finally {
    decoder.close();
  }
}
