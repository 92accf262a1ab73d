import { createHash } from 'node:crypto';
import type { ModuleForm } from '../build/kernel-facts.js';
import type { KernelModule } from '../image/kernel-module.js';
import type { SymbolTable } from '../image/symbol-table.js';
import { isSymbolName } from '../image/symbol-tables.js';

/** What one module file of a phone tells about its kernel. */
export interface ModuleTables {
  readonly tables: readonly SymbolTable[];
  readonly form: ModuleForm | undefined;
}

/** What is known of the kernel that runs, before its modules are looked at. */
export interface RunningKernel {
  readonly release: string;
  readonly loaded: readonly string[];
  /** The CRCs of what it exports, as far as its image was read. */
  readonly crcs: ReadonlyMap<string, number>;
}

/**
 * Tables of what a module exports and of what it was built against. Only for a module that is of this kernel: built for
 * its release, or loaded by it, and against no CRC that the kernel itself has another of (two builds may share a
 * release). Undefined for any other.
 */
export function tablesOf(
  module: KernelModule,
  file: { readonly path: string; readonly bytes: Uint8Array },
  kernel: RunningKernel,
): ModuleTables | undefined {
  const name = (module.name ?? '').replaceAll('-', '_');
  const { vermagic } = module;
  const own = vermagic?.split(' ')[0] === kernel.release;
  if (!/^\w{1,64}$/.test(name) || (!own && !kernel.loaded.includes(name))) return undefined;
  const source = { path: file.path, sha256: createHash('sha256').update(file.bytes).digest('hex') };
  const isOther = ([symbol, crc]: readonly [string, number]): boolean => (kernel.crcs.get(symbol) ?? crc) !== crc;
  if ([...(module.versions ?? [])].some(isOther)) return undefined;
  const versions = [...(module.versions ?? [])].map(([symbol, crc]) => ({ name: symbol, crc }));
  const exports = module.exports.filter((symbol) => isSymbolName(symbol.name));
  return {
    tables: [
      { source: { kind: 'exports', ...source }, exporter: name, complete: true, symbols: exports },
      {
        source: { kind: 'imports', ...source },
        complete: false,
        symbols: versions.filter((symbol) => isSymbolName(symbol.name)),
      },
    ],
    form: own && vermagic !== undefined ? formOf(module, vermagic, file.path) : undefined,
  };
}

function formOf({ structModuleSize }: KernelModule, vermagic: string, path: string): ModuleForm {
  return { vermagic, path, ...(structModuleSize === undefined ? {} : { structModuleSize }) };
}
