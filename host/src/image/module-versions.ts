import { type Elf, corruptImage, readElfSection } from './elf.js';
import { readCString } from './elf-symbols.js';

/**
 * The CRCs a module was built against, by symbol: `__versions`, an array of struct modversion_info (an unsigned long
 * with the CRC, then a name; 64 bytes together: include/linux/module.h), and `__version_ext_names` with
 * `__version_ext_crcs`, NUL-ended names and one u32 each, since Linux 6.14 (54ac1ac8edeb) for names of any length. The
 * kernel looks at the latter first. Undefined where the module has neither.
 *
 * @throws KhError `archive-corrupt` with reason `module-versions` where a table is not whole or two CRCs contradict each
 *   other, and parseElf()'s.
 */
export function readModuleVersions(elf: Elf): ReadonlyMap<string, number> | undefined {
  const fixed = contentOf(elf, '__versions');
  const names = contentOf(elf, '__version_ext_names');
  const crcs = contentOf(elf, '__version_ext_crcs');
  if (fixed === undefined && names === undefined && crcs === undefined) return undefined;
  const versions = new Map<string, number>();
  for (const [name, crc] of readExtended(names ?? none, crcs ?? none)) add(versions, name, crc);
  for (const [name, crc] of readFixed(fixed ?? none, elf.is64)) add(versions, name, crc);
  return versions;
}

const none = new Uint8Array(0);
const entryBytes = 64;

function contentOf(elf: Elf, wanted: string): Uint8Array | undefined {
  const section = elf.sections.find(({ name }) => name === wanted);
  return section && readElfSection(elf, section);
}

function add(versions: Map<string, number>, name: string, crc: number): void {
  const known = versions.get(name);
  if (known !== undefined && known !== crc) throw corruptVersions();
  versions.set(name, crc);
}

function* readFixed(content: Uint8Array, is64: boolean): Generator<readonly [string, number]> {
  if (content.length % entryBytes !== 0) throw corruptVersions();
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  for (let at = 0; at < content.length; at += entryBytes) {
    const name = readCString(content.subarray(0, at + entryBytes), at + (is64 ? 8 : 4));
    // The kernel compares the whole unsigned long; modpost writes a u32.
    if (is64 && view.getUint32(at + 4, true) !== 0) throw corruptVersions();
    if (name !== '') yield [name, view.getUint32(at, true)];
  }
}

function* readExtended(names: Uint8Array, crcs: Uint8Array): Generator<readonly [string, number]> {
  const view = new DataView(crcs.buffer, crcs.byteOffset, crcs.byteLength);
  let at = 0;
  for (let index = 0; index + 4 <= crcs.length; index += 4) {
    const name = readCString(names, at);
    at += name.length + 1;
    yield [name, view.getUint32(index, true)];
  }
  if (crcs.length % 4 !== 0 || at !== names.length) throw corruptVersions();
}

function corruptVersions(): Error {
  return corruptImage('module-versions', 'The table of versions in the kernel module is damaged');
}
