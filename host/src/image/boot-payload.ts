import { corruptImage } from './elf.js';
import { hasText } from './has-text.js';

/** A kernel that unpacks itself, or that firmware unpacks, and the compressed kernel in it. */
export interface BootPayload {
  readonly kind: 'bzImage' | 'EFI zboot';
  readonly payload: Uint8Array;
}

/** Offsets in the setup header of x86 (Documentation/arch/x86/boot.rst). */
const setup = { sectors: 0x1f1, magic: 0x202, version: 0x206, payloadOffset: 0x248, payloadLength: 0x24c } as const;
const setupHeaderBytes = 0x250;
const sectorBytes = 512;

/** The first protocol with a payload: 2.08, Linux 2.6.26. */
const firstPayloadVersion = 0x0208;

/** Offsets in the header of an EFI zboot image (drivers/firmware/efi/libstub/zboot-header.S). */
const zboot = { magic: 4, payloadOffset: 8, payloadLength: 12 } as const;

/**
 * The compressed kernel inside an x86 bzImage, or an EFI zboot image of arm64 and riscv; undefined for another file. It is
 * where the header says, not where something looks like it.
 *
 * @throws KhError `archive-corrupt` with reason `payload-bounds`, or `bz-protocol` for kernels before 2.6.26.
 */
export function findBootPayload(file: Uint8Array): BootPayload | undefined {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length >= setupHeaderBytes && hasText(file, setup.magic, 'HdrS')) {
    if (view.getUint16(setup.version, true) < firstPayloadVersion) {
      throw corruptImage('bz-protocol', 'The bzImage is too old to say where its kernel is');
    }
    // Zero stands for four, for the sake of boot loaders older than the field.
    const protectedMode = ((view.getUint8(setup.sectors) || 4) + 1) * sectorBytes;
    const offset = protectedMode + view.getUint32(setup.payloadOffset, true);
    return { kind: 'bzImage', payload: cut(file, offset, view.getUint32(setup.payloadLength, true)) };
  }
  if (file.length >= 64 && hasText(file, 0, 'MZ') && hasText(file, zboot.magic, 'zimg')) {
    const [offset, length] = [view.getUint32(zboot.payloadOffset, true), view.getUint32(zboot.payloadLength, true)];
    return { kind: 'EFI zboot', payload: cut(file, offset, length) };
  }
  return undefined;
}

function cut(file: Uint8Array, offset: number, length: number): Uint8Array {
  if (length === 0 || offset + length > file.length) {
    throw corruptImage('payload-bounds', 'The kernel image says wrongly where its kernel is');
  }
  return file.subarray(offset, offset + length);
}
