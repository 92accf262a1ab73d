import { readFile, stat } from 'node:fs/promises';
import type { Context } from '../core/context.js';
import { KhError, errnoOf } from '../core/error.js';
import { parseElf, readElfSection } from '../image/elf.js';
import type { KernelModule } from '../image/kernel-module.js';
import { readModuleTraits } from '../image/module-traits.js';
import { readModule } from '../image/read-module.js';
import { unwrap } from '../image/unwrap.js';

/** A kernel module on the host, its compression undone. */
export interface ModuleFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly module: KernelModule;
}

/** With all its debug information a vendor's largest has a tenth of this. */
const largest = 256 * 1024 * 1024;

/**
 * Reads a module file. Errors: `usage` for a path that cannot be read, `archive-corrupt` and `archive-refused` as
 * readModule() and unwrap() give them.
 */
export async function readModuleFile(path: string, ctx: Context): Promise<ModuleFile> {
  const bytes = await unwrap(await readBounded(path), ctx);
  return { path, bytes, module: readModule(bytes) };
}

async function readBounded(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > largest) throw new KhError('usage', 'The file is too large for a kernel module', { path });
    return await readFile(path);
  } catch (error) {
    if (error instanceof KhError) throw error;
    const reason = errnoOf(error) ?? 'unknown';
    throw new KhError('usage', 'The module file cannot be read', { path, reason }, error);
  }
}

/** Where struct module keeps the name: behind its state and the list it is in (include/linux/module.h), since Linux 2.6. */
const nameOffsets = { 32: 12, 64: 24 } as const;

/**
 * The name the kernel will know it by. It is in `struct module`, which modpost writes; what `.modinfo` says must be the
 * same, or the module could be loaded under one name and unloaded under another.
 *
 * @throws KhError `usage` for a file without a name the kernel could use.
 */
export function moduleNameOf({ path, bytes, module }: ModuleFile): string {
  const name = module.name?.replaceAll('-', '_') ?? '';
  const elf = parseElf(bytes);
  const section = elf.sections.find((each) => each.name === '.gnu.linkonce.this_module');
  const content = section === undefined ? new Uint8Array(0) : readElfSection(elf, section);
  const at = nameOffsets[module.is64 ? 64 : 32];
  const written = Buffer.from(content.subarray(at, at + 56))
    .toString('latin1')
    .split('\0')[0];
  if (/^\w{1,55}$/.test(name) && written === name) return name;
  throw new KhError('usage', 'The module file has no name the kernel could know it by', { path, actual: name });
}

/** Whether it could ever be unloaded: the kernel refuses that for one with an init and no exit function. */
export function canBeUnloaded({ bytes }: ModuleFile): boolean {
  return !readModuleTraits(bytes).permanent;
}
