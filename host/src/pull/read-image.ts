import { hash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { decodeXzStream } from '../archive/xz-stream.js';
import type { Context } from '../core/context.js';
import { KhError, errnoOf, isKhError, withDetails } from '../core/error.js';
import { printable } from '../core/printable.js';
import { type Banner, findBanner } from '../image/banner.js';
import { carveImage } from '../image/carve-image.js';
import { findImageConfig } from '../image/image-config.js';
import { readImageSymbols } from '../image/image-symbols.js';
import { type KernelImage, looksLikeImage, openKernelImage } from '../image/kernel-image.js';
import { parseVermagic, readModinfo } from '../image/modinfo.js';
import type { SymbolTable } from '../image/symbol-table.js';

/** What a kernel image or a kheaders.ko on disk gives. */
export interface ImageFile {
  /** Absolute. */
  readonly path: string;
  /** The archive as the kernel would show it. */
  readonly archive: Uint8Array;
  /** What it was taken out of: see KernelImage. */
  readonly layers: readonly string[];
  /** Undefined for a kernel module. */
  readonly banner: Banner | undefined;
  /** What the banner, or a module's vermagic, says; undefined where the file has neither. */
  readonly release: string | undefined;
  /** The kernel's configuration as /proc/config.gz would show it, where it is in the image. */
  readonly config: Uint8Array | undefined;
  /** Undefined for a module, and where the image does not let them be read for certain. */
  readonly symbols: SymbolTable | undefined;
}

/** A vmlinux with all its debugging information has half of that. */
const maxFileBytes = 1024 * 1024 * 1024;

/**
 * Reads a kernel image (boot.img, bzImage, vmlinux, Image, also compressed) or a kheaders.ko.
 *
 * @throws KhError `usage` for a file that cannot be read, `archive-refused` (`no-headers`, `compression`, `file-size`,
 *   `memory-limit`), `archive-corrupt`, `cancelled`; with the path.
 */
export async function readImageFile(file: string, ctx: Context): Promise<ImageFile> {
  const path = resolve(file);
  const bytes = await readBounded(file);
  try {
    const image = await openKernelImage(bytes, ctx);
    const isModule = image.elf?.relocatable === true;
    const archive = await carveImage(image, ctx);
    const banner = isModule ? undefined : findBanner(image.bytes);
    const vermagic = isModule ? parseVermagic(readModinfo(image.bytes).get('vermagic') ?? '') : undefined;
    return {
      path,
      archive,
      layers: image.layers,
      banner,
      release: banner?.release ?? vermagic?.release,
      config: (await findImageConfig(image.bytes))?.gzip,
      symbols: isModule ? undefined : findSymbols(image, path, bytes, ctx),
    };
  } catch (error) {
    throw withDetails(error, { path });
  }
}

async function readBounded(file: string): Promise<Buffer> {
  try {
    await using handle = await open(file, 'r');
    const { size } = await handle.stat();
    if (size > maxFileBytes) {
      const details = { path: file, reason: 'file-size' };
      throw new KhError('archive-refused', 'The file is too large for a kernel image', details);
    }
    return await handle.readFile();
  } catch (error) {
    if (isKhError(error)) throw error;
    const reason = errnoOf(error) ?? 'unknown';
    throw new KhError('usage', 'The file cannot be read', { path: file, reason }, error);
  }
}

/** The headers are what was asked for: without the symbols the import goes on, and says so. */
function findSymbols(image: KernelImage, path: string, bytes: Uint8Array, ctx: Context): SymbolTable | undefined {
  try {
    return readImageSymbols(image, { path: printable(path, 4000), sha256: hash('sha256', bytes) });
  } catch (error) {
    if (!isKhError(error, 'archive-corrupt')) throw error;
    ctx.report({ kind: 'warning', warning: 'skipped', message: `${error.message}; no CRCs are known from it` });
    return undefined;
  }
}

/** Bytes of an xz file that are looked at, and what they give at least. */
const [peekBytes, plainHeadBytes] = [256 * 1024, 1024] as const;

/** True if the plain bytes of an xz file begin like a kernel image or a module. Errors: `cancelled`. */
export async function holdsImage(file: string, ctx: Context): Promise<boolean> {
  const limits = { memoryLimit: 128 * 1024 * 1024, totalBytes: Number.MAX_SAFE_INTEGER };
  let plain = Buffer.alloc(0);
  try {
    await using handle = await open(file, 'r');
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(peekBytes), 0, peekBytes, 0);
    for await (const piece of decodeXzStream(buffer.subarray(0, bytesRead), limits, ctx)) {
      plain = Buffer.concat([plain, piece]);
      if (plain.length >= plainHeadBytes) break;
    }
  } catch (error) {
    if (isKhError(error, 'cancelled') || isKhError(error, 'timeout')) throw error;
    // A damaged or cut file: what it began like decides; if it is nothing, the archive's own reader says why.
  }
  return looksLikeImage(plain);
}
