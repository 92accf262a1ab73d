import type { Context } from '../core/context.js';
import { untilAborted } from './until-aborted.js';
import { type XzDecoded, assertDecoded, openXzDecoder, sliceBytes } from './xz-decoder.js';

export interface XzOptions {
  /** Bytes the decoder may take for its dictionary; `xz -9` needs 65 MiB. */
  readonly memoryLimit: number;
}

/**
 * Decodes an xz file: one stream or several, with the padding the format allows, whole to the last byte. Decoding runs
 * on a thread of Node's pool, one slice ahead of the reader and never further.
 *
 * Everything may have been delivered before the last check fails, so a caller must not publish what it has read until
 * the iteration has ended.
 *
 * @throws KhError `archive-corrupt` with reason `not-xz`, `truncated`, `damaged` (bit errors, junk at the end) or
 *   `unsupported-xz`; `archive-refused` with reason `memory-limit`; `cancelled` or `timeout`.
 */
export async function* decodeXz(
  source: AsyncIterable<Uint8Array>,
  options: XzOptions,
  ctx: Context,
): AsyncGenerator<Buffer, void, undefined> {
  const decoder = await openXzDecoder('whole', options.memoryLimit);
  let running: Promise<XzDecoded> = Promise.resolve({ output: [] });
  try {
    for await (const slice of slices(source, ctx)) {
      const decoded = await running;
      assertDecoded(decoded);
      running = decoder.decode(slice);
      yield* decoded.output;
    }
    for (const step of [running, running.then(() => decoder.decode(null))]) {
      const decoded = await step;
      yield* decoded.output;
      assertDecoded(decoded);
    }
  } finally {
    await running;
    decoder.close();
  }
}

async function* slices(source: AsyncIterable<Uint8Array>, ctx: Context): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of untilAborted(source, ctx)) {
    for (let at = 0; at < chunk.length; at += sliceBytes) yield chunk.subarray(at, at + sliceBytes);
  }
}
