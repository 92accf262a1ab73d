import type { SymbolTable } from '../image/symbol-table.js';
import type { KernelConfig } from './kernel-config.js';

/** What modules of a kernel look like, read from one that its phone has. */
export interface ModuleForm {
  readonly vermagic: string;
  /** sizeof(struct module). */
  readonly structModuleSize?: number;
  /** The module it was read from. */
  readonly path: string;
}

/** All that is known of a kernel and that decides whether it would load a module. */
export interface KernelFacts {
  readonly release: string;
  /** `uname -m`. */
  readonly machine: string;
  readonly config: KernelConfig;
  readonly tables: readonly SymbolTable[];
  readonly form?: ModuleForm | undefined;
  /** Names of the modules that are loaded; undefined: no phone was asked. */
  readonly loaded?: readonly string[] | undefined;
  /** /sys/module/module/parameters/sig_enforce; undefined: no phone was asked, or it does not tell. */
  readonly signaturesEnforced?: boolean | undefined;
}
