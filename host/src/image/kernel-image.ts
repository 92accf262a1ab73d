import type { Context } from '../core/context.js';
import { type BootPayload, findBootPayload } from './boot-payload.js';
import { findBootKernel } from './boot-image.js';
import { type Elf, corruptImage, parseElf } from './elf.js';
import { hasText } from './has-text.js';
import { findCompression, unwrap } from './unwrap.js';

/** A kernel or a kernel module in memory, freed of everything around it. */
export interface KernelImage {
  /** What was taken off, from the outside in, and what is left: `boot.img v4`, `lz4`, `Image`. */
  readonly layers: readonly string[];
  readonly bytes: Uint8Array;
  /** Undefined for a raw Image. */
  readonly elf: Elf | undefined;
}

/** A boot.img, a compression, a bzImage and another compression are four. */
const maxLayers = 6;

/**
 * Takes off what is around a kernel: boot.img, compression, the loader of a bzImage; until an ELF file or a raw Image is
 * left. The same for a kernel module (`kheaders.ko.xz`).
 *
 * @throws KhError `archive-corrupt` with reason `layers`, and those of findBootKernel(), findBootPayload(), parseElf() and
 *   unwrap().
 */
export async function openKernelImage(file: Uint8Array, ctx: Context): Promise<KernelImage> {
  const layers: string[] = [];
  let bytes = file;
  for (let depth = 0; depth <= maxLayers; depth++) {
    const layer = await takeOff(bytes, ctx);
    if (layer === undefined) {
      const elf = isElf(bytes) ? parseElf(bytes) : undefined;
      return { layers: [...layers, nameOf(elf)], bytes, elf };
    }
    layers.push(layer.name);
    bytes = layer.inside;
  }
  throw corruptImage('layers', 'The kernel image is wrapped too often');
}

async function takeOff(
  bytes: Uint8Array,
  ctx: Context,
): Promise<{ readonly name: string; readonly inside: Uint8Array } | undefined> {
  const boot = findBootKernel(bytes);
  if (boot !== undefined) return { name: `boot.img v${boot.version}`, inside: boot.kernel };
  const payload: BootPayload | undefined = findBootPayload(bytes);
  if (payload !== undefined) return { name: payload.kind, inside: payload.payload };
  const name = findCompression(bytes);
  return name === undefined ? undefined : { name, inside: await unwrap(bytes, ctx) };
}

export function isElf(bytes: Uint8Array): boolean {
  return hasText(bytes, 0, '\x7fELF');
}

function nameOf(elf: Elf | undefined): string {
  if (elf === undefined) return 'Image';
  return elf.relocatable ? 'kernel module' : 'vmlinux';
}

/** True if a file of which this is the beginning may be a kernel image or a module: by its magic numbers alone. */
export function looksLikeImage(head: Uint8Array): boolean {
  return (
    isElf(head) ||
    hasText(head, 0, 'ANDROID!') ||
    hasText(head, 0x202, 'HdrS') ||
    hasText(head, 0, 'MZ') ||
    // Raw images of arm64 and riscv (Documentation/arch/arm64/booting.rst, riscv/boot-image-header.rst).
    hasText(head, 56, 'ARM\x64') ||
    hasText(head, 56, 'RSC\x05') ||
    findCompression(head) !== undefined
  );
}
