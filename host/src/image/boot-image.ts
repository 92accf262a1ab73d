import { corruptImage } from './elf.js';
import { hasText } from './has-text.js';

/** The kernel in an Android boot image, as it is in there: usually compressed. */
export interface BootKernel {
  /** Of the header: 0 to 4. */
  readonly version: number;
  readonly kernel: Uint8Array;
}

/** Fields and page sizes of AOSP's bootimg.h. Versions 3 and 4 have pages of 4096 bytes, whatever is in the older field. */
const magic = 'ANDROID!';
const fields = { kernelBytes: 8, pageBytes: 36, version: 40 } as const;
const headerBytes = 44;
const fixedPageBytes = 4096;
const newestVersion = 4;

/** Before there were versions, Qualcomm kept the size of a device tree in that field: one page at least. */
const smallestTree = 2048;

/**
 * The kernel of a boot.img of header version 0 to 4, or undefined for another file. What follows it (ramdisk, device tree,
 * signature, the rest of a partition) is not looked at.
 *
 * @throws KhError `archive-corrupt` with reason `boot-header`, `boot-no-kernel` (init_boot.img and recovery.img have none) or
 *   `boot-truncated`.
 */
export function findBootKernel(file: Uint8Array): BootKernel | undefined {
  if (!hasText(file, 0, magic)) return undefined;
  const { version, start, end } = readHeader(file);
  if (end > file.length) throw corruptImage('boot-truncated', 'The boot image ends inside its kernel');
  return { version, kernel: file.subarray(start, end) };
}

/**
 * How many bytes of a file hold all that findBootKernel() looks at, by the first of them; undefined where that is not known:
 * another file, a header that is not whole or makes no sense.
 */
export function measureBootKernel(head: Uint8Array): number | undefined {
  if (head.length < headerBytes || !hasText(head, 0, magic)) return undefined;
  try {
    return readHeader(head).end;
  } catch {
    return undefined;
  }
}

/** Where the kernel is, in bytes from the beginning. Errors: as findBootKernel(). */
function readHeader(file: Uint8Array): { readonly version: number; readonly start: number; readonly end: number } {
  if (file.length < headerBytes) throw corruptImage('boot-truncated', 'The boot image ends in its header');
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const stated = view.getUint32(fields.version, true);
  const version = stated >= smallestTree ? 0 : stated;
  if (version > newestVersion) throw corruptImage('boot-header', 'The boot image has a header of an unknown version');
  const start = version < 3 ? view.getUint32(fields.pageBytes, true) : fixedPageBytes;
  if (start < 2048 || start > 65_536 || (start & (start - 1)) !== 0) {
    throw corruptImage('boot-header', 'The boot image has pages of an impossible size');
  }
  const size = view.getUint32(fields.kernelBytes, true);
  if (size === 0) throw corruptImage('boot-no-kernel', 'The boot image holds no kernel');
  return { version, start, end: start + size };
}
