import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { KhError } from '../core/error.js';
import { corruptImage } from './elf.js';

/** A kheaders.ko has 4 MB; this is what a hostile one may grow to. */
const maxModuleBytes = 256 * 1024 * 1024;

/** How compressed modules begin: CONFIG_MODULE_COMPRESS_GZIP, _XZ, _ZSTD, and what people compress by hand. */
const magics = [
  { name: 'gzip', magic: [0x1f, 0x8b] },
  { name: 'xz', magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00] },
  { name: 'zstd', magic: [0x28, 0xb5, 0x2f, 0xfd] },
  { name: 'lz4', magic: [0x04, 0x22, 0x4d, 0x18] },
  { name: 'lz4', magic: [0x02, 0x21, 0x4c, 0x18] },
  { name: 'bzip2', magic: [0x42, 0x5a, 0x68] },
] as const;

/**
 * A kernel module without its compression: the bytes themselves where there is none, and gzip undone.
 *
 * @throws KhError `archive-refused` with reason `compressed-module` for other compressions and `file-size` for one that
 *   grows too large; `archive-corrupt` with reason `damaged` for wrong gzip.
 */
export async function unwrapModule(file: Uint8Array): Promise<Uint8Array> {
  const name = magics.find(({ magic }) => magic.every((byte, index) => file[index] === byte))?.name;
  if (name === undefined) return file;
  if (name === 'gzip') return undoGzip(file);
  throw new KhError('archive-refused', `The kernel module is compressed with ${name}`, {
    reason: 'compressed-module',
    actual: name,
  });
}

async function undoGzip(file: Uint8Array): Promise<Uint8Array> {
  try {
    return await promisify(gunzip)(file, { maxOutputLength: maxModuleBytes });
  } catch (error) {
    if (error instanceof RangeError) {
      throw new KhError('archive-refused', 'The kernel module is too large', { reason: 'file-size' }, error);
    }
    throw corruptImage('damaged', 'The kernel module is not a whole gzip file');
  }
}
