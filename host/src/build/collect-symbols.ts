import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { readExtra } from '../cache/extras.js';
import type { Cache, Entry } from '../cache/format.js';
import type { Context } from '../core/context.js';
import { KhError, errnoOf } from '../core/error.js';
import { findBanner } from '../image/banner.js';
import { findImageConfig } from '../image/image-config.js';
import { readImageSymbols } from '../image/image-symbols.js';
import { openKernelImage } from '../image/kernel-image.js';
import type { SymbolTable } from '../image/symbol-table.js';
import { parseSymbolTables } from '../image/symbol-tables.js';
import { parseSymvers } from '../image/symvers.js';
import { findConfigDifferences, parseAutoconfHeader, parseDotConfig } from './kernel-config.js';

export interface SymbolOptions {
  /** A Module.symvers of this very kernel. */
  readonly symvers?: string | undefined;
  /** An image of this very kernel: vmlinux, Image, boot.img, compressed or not. */
  readonly image?: string | undefined;
}

/**
 * Everything known of a kernel's symbols: the Module.symvers and the image that were given, the Module.symvers in the archive
 * (legacy layout), and `symbols.json` beside the entry. Errors: `usage`, `cache-corrupt`, `release-mismatch` for the image of
 * another kernel, `archive-corrupt` for one that cannot be read.
 */
export async function collectSymbols(
  cache: Cache,
  entry: Entry,
  { symvers, image }: SymbolOptions,
  ctx: Context,
): Promise<readonly SymbolTable[]> {
  const extra = await readExtra(cache, entry, 'symbols.json');
  return [
    ...(symvers === undefined ? [] : await readSymvers(resolve(symvers))),
    ...(image === undefined ? [] : [await readImage(resolve(image), entry, ctx)]),
    ...(entry.manifest.layout === 'legacy' ? await readSymvers(join(entry.headers, 'Module.symvers'), true) : []),
    ...(extra === undefined ? [] : parseSymbolTables(extra.toString('utf8'))),
  ];
}

async function readSymvers(path: string, isOptional = false): Promise<readonly SymbolTable[]> {
  try {
    const bytes = await readFile(path);
    return parseSymvers(bytes.toString('utf8'), { path, sha256: hash('sha256', bytes) });
  } catch (error) {
    if (error instanceof KhError) throw error;
    const reason = errnoOf(error) ?? 'unknown';
    if (isOptional && reason === 'ENOENT') return [];
    throw new KhError('usage', 'The file cannot be read', { path, reason }, error);
  }
}

async function readImage(path: string, entry: Entry, ctx: Context): Promise<SymbolTable> {
  const file = await readFile(path).catch((error: unknown) => {
    throw new KhError('usage', 'The file cannot be read', { path, reason: errnoOf(error) ?? 'unknown' }, error);
  });
  const image = await openKernelImage(file, ctx);
  await assertSameKernel(image.bytes, path, entry);
  return readImageSymbols(image, { path, sha256: hash('sha256', file) });
}

/**
 * Release and banner are not enough where nobody knows the phone's /proc/version; a configuration in the image has to agree.
 * Not about CONFIG_IKHEADERS: when that alone was changed the kernel's generator keeps the archive it made before.
 */
async function assertSameKernel(image: Uint8Array, path: string, entry: Entry): Promise<void> {
  const { release, manifest } = entry;
  const mismatch = (reason: string, expected: string, actual?: string): KhError =>
    new KhError('release-mismatch', 'The image is of another kernel', {
      path,
      reason,
      expected,
      ...(actual === undefined ? {} : { actual }),
    });
  const banner = findBanner(image);
  const running = manifest.provenance.procVersion?.trim();
  const expected = running ?? `Linux version ${release}`;
  if (banner === undefined) throw mismatch('no-banner', expected);
  const fits = banner.release === release && (running === undefined || banner.text === running);
  if (!fits) throw mismatch('image-banner', expected, banner.text);
  const config = await findImageConfig(image);
  const header = await readFile(join(entry.headers, 'include/generated/autoconf.h'), 'utf8').catch(() => undefined);
  if (config === undefined || header === undefined) return;
  const differing = findConfigDifferences(parseDotConfig(config.text), parseAutoconfHeader(header));
  const telling = differing.filter((option) => option !== 'CONFIG_IKHEADERS');
  if (telling.length > 0) throw mismatch('image-options', telling.slice(0, 10).join(', '));
}
