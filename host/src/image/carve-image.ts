import { decodeXzStream } from '../archive/xz-stream.js';
import type { Context } from '../core/context.js';
import { KhError, isKhError } from '../core/error.js';
import { carveModule } from './carve-module.js';
import { findConfigLine, findImageConfig } from './image-config.js';
import type { KernelImage } from './kernel-image.js';

/** Bytes every xz stream begins with (The .xz File Format 1.2.1, section 2.1.1.1). */
const xzMagic = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]);

/** An archive has 31 MB of tar. */
const limits = { memoryLimit: 128 * 1024 * 1024, totalBytes: 512 * 1024 * 1024 };

/** Places with that magic that are tried: a kernel with the archive was seen to have one, its decompressor may have another. */
const maxPlaces = 64;

/**
 * The archive in a kernel image or module, byte for byte as the kernel would show it: by its ELF symbols where there are
 * such, else the first xz stream in it that decodes to its end and whose tar begins with `./`. Merged kernels have no marks
 * around it, and the end of the stream is the only thing that says where it ends.
 *
 * @throws KhError `archive-refused` with reason `no-headers` (and the line of the image's configuration, where it has one), and
 *   those of carveModule() and decodeXzStream().
 */
export async function carveImage(image: KernelImage, ctx: Context): Promise<Uint8Array> {
  const { elf } = image;
  if (elf !== undefined) {
    try {
      return carveModule(image.bytes);
    } catch (error) {
      // Without symbols: what is in a bzImage was stripped.
      if (!isKhError(error, 'archive-corrupt') || error.details.reason !== 'no-archive') throw error;
    }
  }
  const found = elf?.relocatable === true ? undefined : await searchArchive(image.bytes, ctx);
  if (found !== undefined) return found;
  const config = await findImageConfig(image.bytes);
  const configLine = config && findConfigLine(config.text, 'CONFIG_IKHEADERS');
  throw new KhError('archive-refused', `The ${image.layers.at(-1) ?? 'file'} holds no kernel headers`, {
    reason: 'no-headers',
    ...(configLine === undefined ? {} : { configLine }),
  });
}

async function searchArchive(image: Uint8Array, ctx: Context): Promise<Uint8Array | undefined> {
  const bytes = Buffer.from(image.buffer, image.byteOffset, image.byteLength);
  let at = bytes.indexOf(xzMagic);
  for (let places = 0; at >= 0 && places < maxPlaces; places++) {
    const stream = await findStream(bytes.subarray(at), ctx);
    if (stream !== undefined) return stream;
    at = bytes.indexOf(xzMagic, at + 1);
  }
  return undefined;
}

/** The stream that bytes begin with if it is an archive's. Throws where it began as one, and is damaged. */
async function findStream(bytes: Uint8Array, ctx: Context): Promise<Uint8Array | undefined> {
  const stream = decodeXzStream(bytes, limits, ctx);
  let head: Buffer | undefined = Buffer.alloc(0);
  try {
    for (;;) {
      const step = await stream.next();
      if (step.done === true) return head === undefined ? bytes.subarray(0, step.value) : undefined;
      if (head === undefined) continue;
      head = Buffer.concat([head, step.value]);
      if (head.length < 512) continue;
      if (!isTarOfHeaders(head)) return undefined;
      head = undefined;
    }
  } catch (error) {
    if (head === undefined || !isKhError(error) || !/^archive-/.test(error.code)) throw error;
    return undefined;
  } finally {
    await stream.return(0);
  }
}

/** gen_kheaders.sh packs `.`, so the first member of the archive is `./`. */
function isTarOfHeaders(head: Uint8Array): boolean {
  const text = String.fromCharCode(...head.subarray(0, 3), ...head.subarray(257, 262));
  return text === './\0ustar';
}
