import { carveModule } from '../image/carve-module.js';
import { parseVermagic, readModinfo } from '../image/modinfo.js';
import { unwrap } from '../image/unwrap.js';
import type { Context } from '../core/context.js';
import { KhError, isKhError } from '../core/error.js';

/**
 * Takes a kheaders.ko from the phone and yields the archive inside. A module built for another kernel, or one that
 * holds no archive, is a refusal: there may be another copy. Errors: `module-refused`, and those of the source.
 */
export async function carveFrom(
  source: AsyncIterable<Buffer>,
  release: string,
  ctx: Context,
): Promise<AsyncIterable<Uint8Array>> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk);
  try {
    const module = await unwrap(Buffer.concat(chunks), ctx);
    const built = parseVermagic(readModinfo(module).get('vermagic') ?? '')?.release;
    if (built !== release) {
      const details = { reason: 'vermagic', expected: release, actual: built ?? 'unreadable' };
      throw new KhError('module-refused', 'The kheaders.ko on the phone was not built for its kernel', details);
    }
    return once(carveModule(module));
  } catch (error) {
    if (!isKhError(error) || !['archive-corrupt', 'archive-refused'].includes(error.code)) throw error;
    const details = { reason: error.details.reason ?? 'damaged' };
    throw new KhError(
      'module-refused',
      'The archive cannot be cut out of the kheaders.ko on the phone',
      details,
      error,
    );
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
