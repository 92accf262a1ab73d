import type { KernelSymbol } from './symbol-table.js';

/** A kernel module (.ko) as its file describes itself. All text is untrusted. */
export interface KernelModule {
  /** From .modinfo, or else from the symbol table. */
  readonly name: string | undefined;
  readonly vermagic: string | undefined;
  /** `.modinfo`: every value of a key, in order. */
  readonly modinfo: ReadonlyMap<string, readonly string[]>;
  /** e_machine of the ELF header: 62 x86_64, 183 aarch64, 40 arm, 243 riscv. */
  readonly machine: number;
  readonly is64: boolean;
  /** Undefined symbols: what the kernel and other modules must export. */
  readonly imports: readonly { readonly name: string; readonly weak: boolean }[];
  /** `__versions`, or `__version_ext_names` and `__version_ext_crcs`: the CRCs it was built against; undefined: no such section. */
  readonly versions: ReadonlyMap<string, number> | undefined;
  readonly exports: readonly KernelSymbol[];
  /** Bytes of `.gnu.linkonce.this_module`: sizeof(struct module) where it was built; undefined: no such section. */
  readonly structModuleSize: number | undefined;
  /** A signature is appended. Whether the kernel trusts it only the kernel can tell. */
  readonly signed: boolean;
  /** Names of all its sections. */
  readonly sections: readonly string[];
}
