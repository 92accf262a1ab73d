/** One symbol a kernel or a module exports, or that a module was built against. */
export interface KernelSymbol {
  readonly name: string;
  /** The CRC of its type (MODVERSIONS), 32 bits unsigned; undefined: not known. Never invented. */
  readonly crc?: number;
  /** Exported with EXPORT_SYMBOL_GPL; undefined: not known. */
  readonly gpl?: boolean;
  /** The namespace it is exported to; undefined: none, or not known. */
  readonly namespace?: string;
}

/** Where symbols were read from, and how much that source knows. */
export interface SymbolTable {
  readonly source: {
    /** A Module.symvers; the kernel itself; what a module exports; what a module was built against. */
    readonly kind: 'symvers' | 'image' | 'exports' | 'imports';
    /** The file, as the user or the phone names it; untrusted text where it is the phone's. */
    readonly path: string;
    /** Of what was read of the file: of a boot partition, all up to the end of its kernel. */
    readonly sha256?: string;
  };
  /** Who exports them: `vmlinux`, or a module's name; undefined where the source does not tell (imports). */
  readonly exporter?: string;
  /** True where the exporter exports nothing else: then a symbol that is not listed does not exist there. */
  readonly complete: boolean;
  readonly symbols: readonly KernelSymbol[];
}
