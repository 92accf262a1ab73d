import type { Context } from '../core/context.js';
import { decodeXz, type XzOptions } from './xz.js';
import { decodeThrough, startXz } from './xz-program.js';

export interface DecodeOptions extends XzOptions {
  /** The xz program to use where the machine has it; undefined: always decode in this process. */
  readonly program: string | undefined;
}

/**
 * Decodes an xz file: by the machine's xz where there is one, else in this process by lzma-native. lzma-native carries
 * liblzma 5.2.3 of 2016, which takes more than twice the time, and the program runs on another processor beside us.
 * Both accept and refuse the same archives; what is done with the plain bytes does not depend on it.
 *
 * @throws KhError as decodeXz().
 */
export async function* decodeArchive(
  source: AsyncIterable<Uint8Array>,
  options: DecodeOptions,
  ctx: Context,
): AsyncGenerator<Buffer, void, undefined> {
  const xz = options.program === undefined ? undefined : await startXz(options.program, options.memoryLimit);
  if (xz === undefined) yield* decodeXz(source, options, ctx);
  else yield* decodeThrough(xz, source, ctx);
}
