import type { Context } from '../core/context.js';
import { decodeXz } from './xz.js';
import { decodeThrough, startXz, type XzProgramOptions } from './xz-program.js';

export interface DecodeOptions extends Omit<XzProgramOptions, 'program'> {
  /** The xz program to use where the machine has it; undefined: always decode in this process. */
  readonly program: string | undefined;
}

/**
 * Decodes an xz file: by the machine's xz where there is one, else in this process by lzma-native. lzma-native carries
 * liblzma 5.2.3 of 2016, which takes more than twice the time, and the program runs on another processor beside us.
 * Both accept and refuse the same archives; what is done with the plain bytes does not depend on it. A piece of them
 * lasts until the next one is asked for.
 *
 * @throws KhError as decodeXz() and decodeThrough().
 */
export async function* decodeArchive(
  source: AsyncIterable<Uint8Array>,
  { program, ...limits }: DecodeOptions,
  ctx: Context,
): AsyncGenerator<Buffer, void, undefined> {
  const options = program === undefined ? undefined : { ...limits, program };
  const xz = options && (await startXz(options));
  if (xz === undefined || options === undefined) yield* decodeXz(source, limits, ctx);
  else yield* decodeThrough(xz, source, options, ctx);
}
