import { decodeGzip } from './gzip.js';

/** What kernel/configs.c puts around the configuration (CONFIG_IKCONFIG). */
const [startMark, endMark] = ['IKCFG_ST', 'IKCFG_ED'] as const;

/** A configuration has 300 KB. */
const maxConfigBytes = 4 * 1024 * 1024;

/** The configuration in a plain kernel image, as /proc/config.gz would show it and as text. */
export interface ImageConfig {
  readonly gzip: Uint8Array;
  readonly text: string;
}

/** Undefined where the image has none, or one that is damaged: nothing depends on it. */
export async function findImageConfig(image: Uint8Array): Promise<ImageConfig | undefined> {
  const bytes = Buffer.from(image.buffer, image.byteOffset, image.byteLength);
  const start = bytes.indexOf(startMark) + startMark.length;
  const end = bytes.indexOf(endMark, start);
  if (start < startMark.length || end < 0) return undefined;
  const gzip = bytes.subarray(start, end);
  try {
    return { gzip, text: Buffer.from(await decodeGzip(gzip, maxConfigBytes)).toString('latin1') };
  } catch {
    return undefined;
  }
}

/** The line that sets an option, also `# … is not set`. */
export function findConfigLine(text: string, option: string): string | undefined {
  return text.split('\n').find((line) => line.startsWith(`${option}=`) || line === `# ${option} is not set`);
}
