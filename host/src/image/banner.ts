import { isRelease } from '@kheaders/shared';
import { corruptImage } from './elf.js';

/** Who a kernel image says it is. */
export interface Banner {
  readonly release: string;
  /** What /proc/version of this kernel shows, without the newline; untrusted, but printable ASCII. */
  readonly text: string;
}

const start = 'Linux version ';

/** /proc/version is cut here as well, when a phone is asked. */
const maxBannerBytes = 512;

/** linux_banner (init/version-timestamp.c): `Linux version RELEASE (BY@HOST) (COMPILER) #N …`. */
const form = /^Linux version (\S+) \(.+\) .*#\d+[^\n]*$/;

/** Places looked at: a kernel has its banner once, and the words in a message or two. */
const maxPlaces = 1000;

/**
 * The banner in a plain kernel image; undefined where there is none.
 *
 * @throws KhError `archive-corrupt` with reason `banner` where the image names two kernels: nobody could say which one it is.
 */
export function findBanner(image: Uint8Array): Banner | undefined {
  const bytes = Buffer.from(image.buffer, image.byteOffset, image.byteLength);
  let found: Banner | undefined;
  let at = bytes.indexOf(start);
  for (let places = 0; at >= 0 && places < maxPlaces; places++) {
    const banner = parseBanner(bytes.subarray(at, at + maxBannerBytes));
    if (banner !== undefined && found !== undefined && banner.text !== found.text) {
      throw corruptImage('banner', 'The kernel image names two different kernels');
    }
    found ??= banner;
    at = bytes.indexOf(start, at + 1);
  }
  return found;
}

function parseBanner(bytes: Buffer): Banner | undefined {
  const end = bytes.findIndex((byte) => byte < 0x20 || byte > 0x7e);
  // It ends with a newline and a NUL.
  if (end < 0 || bytes[end] !== 0x0a) return undefined;
  const text = bytes.toString('latin1', 0, end);
  const release = form.exec(text)?.[1];
  return release !== undefined && isRelease(release) ? { release, text } : undefined;
}
