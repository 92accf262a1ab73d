import { KhError } from '../core/error.js';

/**
 * Bytes of xz given to the decoder in one call. A call returns everything they hold, and LZMA2 packs zeros about
 * 7,000 : 1, so this is also what bounds the memory a hostile archive can take: about 230 MB.
 */
export const sliceBytes = 32 * 1024;

/** Bytes of plain text the decoder puts in one buffer: a slice of headers gives about 200 KiB. */
const outputBytes = 256 * 1024;

/** What one call of the decoder gave. */
export interface XzDecoded {
  readonly output: readonly Buffer[];
  readonly error?: unknown;
  /** Bytes of input since the beginning, if the stream ends here. */
  readonly end?: number;
}

/**
 * The part of lzma-native's binding used here (lzma-native 8.0.6, src/lzma-stream.cpp). Its stream class is not used:
 * to find the end of an xz stream it looks for `YZ` inside a chunk, and drops what follows unseen where the two
 * letters fall into two chunks; after an error it emits `end` as well.
 */
interface NativeDecoder {
  bufferHandler: (
    output: Buffer | null | undefined,
    consumed: number | undefined,
    error: unknown,
    totalIn: number | null,
  ) => void;
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

/** Decodes on a thread of Node's pool. */
export interface XzDecoder {
  /** Never rejects, and must not be called again before it has settled or after it has returned an error. */
  decode(input: Uint8Array | null): Promise<XzDecoded>;
  close(): void;
}

/**
 * Opens a decoder; the caller closes it. `whole`: one stream or several with padding, to the last byte of the input.
 * `stream`: one stream; what follows is not looked at.
 */
export async function openXzDecoder(extent: 'whole' | 'stream', memoryLimit: number): Promise<XzDecoder> {
  // Loaded here because the binding takes 20 ms, which most commands can do without.
  const { default: lzma } = (await import('lzma-native')) as unknown as { default: LzmaNative };
  const native = new lzma.Stream();
  const concatenated = extent === 'whole' ? lzma.CONCATENATED : 0;
  native.streamDecoder_(memoryLimit, concatenated | lzma.TELL_UNSUPPORTED_CHECK);
  native.setBufsize(outputBytes);
  return {
    decode: (input) =>
      new Promise((resolve) => {
        const output: Buffer[] = [];
        native.bufferHandler = (buffer, consumed, error, totalIn) => {
          if (buffer) output.push(buffer);
          else if (error) resolve({ output, error });
          else if (buffer === null) resolve({ output, end: totalIn ?? 0 });
          else if (consumed !== undefined) resolve({ output });
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

/** @throws KhError `archive-corrupt` or `archive-refused`, as decodeXz() says. */
export function assertDecoded({ error }: XzDecoded): void {
  if (error === undefined) return;
  const name = error instanceof Error ? error.name : '';
  if (name === 'LZMA_MEMLIMIT_ERROR' || name === 'LZMA_MEM_ERROR') {
    const details = { reason: 'memory-limit' };
    throw new KhError('archive-refused', 'The archive needs too much memory to decompress', details, error);
  }
  const reason = reasons[name] ?? 'damaged';
  throw new KhError('archive-corrupt', `The archive is not a whole xz file (${reason})`, { reason }, error);
}
