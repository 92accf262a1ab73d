import { KhError } from '../core/error.js';
import type { Context } from '../core/context.js';
import { untilAborted } from './until-aborted.js';

/**
 * Bytes of xz given to the decoder in one call. A call returns everything they hold, and LZMA2 packs zeros about
 * 7,000 : 1, so this is also what bounds the memory a hostile archive can take: about 230 MB.
 */
const sliceBytes = 32 * 1024;

/** Bytes of plain text the decoder puts in one buffer: a slice of headers gives about 200 KiB. */
const outputBytes = 256 * 1024;

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
  const decoder = await openDecoder(options.memoryLimit);
  let running: Promise<Decoded> = Promise.resolve({ output: [] });
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

interface Decoded {
  readonly output: readonly Buffer[];
  readonly error?: unknown;
}

/**
 * The part of lzma-native's binding used here (lzma-native 8.0.6, src/lzma-stream.cpp). Its stream class is not used:
 * to find the end of an xz stream it looks for `YZ` inside a chunk, and drops what follows unseen where the two
 * letters fall into two chunks; after an error it emits `end` as well.
 */
interface NativeDecoder {
  bufferHandler: (output: Buffer | null | undefined, consumed: number | undefined, error: unknown) => void;
  streamDecoder_(memoryLimit: number, flags: number): void;
  setBufsize(bytes: number): number;
  /** Null says that the input has ended. */
  code(input: Uint8Array | null, onThread: boolean): void;
  /** Frees the decoder's memory. */
  resetUnderlying(): void;
}

interface LzmaNative {
  readonly Stream: new () => NativeDecoder;
  readonly CONCATENATED: number;
  readonly TELL_UNSUPPORTED_CHECK: number;
}

interface Decoder {
  /** Never rejects, and must not be called again before it has settled or after it has returned an error. */
  decode(input: Uint8Array | null): Promise<Decoded>;
  close(): void;
}

async function openDecoder(memoryLimit: number): Promise<Decoder> {
  // Loaded here because the binding takes 20 ms, which most commands can do without.
  const { default: lzma } = (await import('lzma-native')) as unknown as { default: LzmaNative };
  const native = new lzma.Stream();
  native.streamDecoder_(memoryLimit, lzma.CONCATENATED | lzma.TELL_UNSUPPORTED_CHECK);
  native.setBufsize(outputBytes);
  return {
    decode: (input) =>
      new Promise((resolve) => {
        const output: Buffer[] = [];
        native.bufferHandler = (buffer, consumed, error) => {
          if (buffer) output.push(buffer);
          else if (buffer === null || consumed !== undefined) resolve(error ? { output, error } : { output });
        };
        native.code(input, true);
      }),
    close: () => native.resetUnderlying(),
  };
}

/** liblzma's return codes (lzma_ret in lzma/base.h, 5.2.3) as our reasons. */
const reasons: Readonly<Record<string, string>> = {
  LZMA_UNSUPPORTED_CHECK: 'unsupported-xz',
  LZMA_FORMAT_ERROR: 'not-xz',
  LZMA_OPTIONS_ERROR: 'unsupported-xz',
  LZMA_DATA_ERROR: 'damaged',
  LZMA_BUF_ERROR: 'truncated',
};

function assertDecoded({ error }: Decoded): void {
  if (error === undefined) return;
  const name = error instanceof Error ? error.name : '';
  if (name === 'LZMA_MEMLIMIT_ERROR' || name === 'LZMA_MEM_ERROR') {
    const details = { reason: 'memory-limit' };
    throw new KhError('archive-refused', 'The archive needs too much memory to decompress', details, error);
  }
  const reason = reasons[name] ?? 'damaged';
  throw new KhError('archive-corrupt', `The archive is not a whole xz file (${reason})`, { reason }, error);
}
