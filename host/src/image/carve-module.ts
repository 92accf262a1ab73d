import { corruptImage, findElfSymbols, parseElf, readElfSection } from './elf.js';

/** Bytes every xz stream begins with (The .xz File Format 1.2.1, section 2.1.1.1). */
const xzMagic = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];

/**
 * The archive inside kheaders.ko: the bytes from symbol `kernel_headers_data` to `kernel_headers_data_end`, which
 * kernel/kheaders.c of Linux puts around an .incbin (43d8ce9d65a5 and later; there are no magic markers). Works for
 * kheaders.o and vmlinux too. The result shares memory with the file; a signature behind the ELF part does no harm.
 *
 * @throws KhError `archive-corrupt` with reason `no-archive` (no such symbols), `archive-bounds`, `not-xz`, or one of
 *   parseElf()'s.
 */
export function carveModule(file: Uint8Array): Uint8Array {
  const elf = parseElf(file);
  const symbols = findElfSymbols(elf, ['kernel_headers_data', 'kernel_headers_data_end']);
  const start = symbols.get('kernel_headers_data');
  const end = symbols.get('kernel_headers_data_end');
  if (!start || !end) throw corruptImage('no-archive', 'The kernel module holds no headers');
  const section = elf.sections[start.section];
  const content = readElfSection(elf, section);
  const base = elf.relocatable ? 0n : (section?.address ?? 0n);
  const [from, to] = [Number(start.value - base), Number(end.value - base)];
  if (end.section !== start.section || from < 0 || from >= to || to > content.length) {
    throw corruptImage('archive-bounds', 'The kernel module says wrongly where its headers are');
  }
  const archive = content.subarray(from, to);
  if (xzMagic.some((byte, index) => archive[index] !== byte)) {
    throw corruptImage('not-xz', 'The headers in the kernel module are not an xz file');
  }
  return archive;
}
