import type { KernelSymbol, SymbolTable } from '../image/symbol-table.js';

/** One exporter of a symbol, all tables about it together. */
export interface KnownExport extends KernelSymbol {
  /** `vmlinux`, or a module's name as the kernel has it. */
  readonly exporter: string;
}

/** What is known of a symbol: who exports it, and which CRCs were seen. */
export interface KnownSymbol {
  readonly exports: readonly KnownExport[];
  /** Different CRCs that sources give; those of exporters where there are any, else those of modules that import it. */
  readonly crcs: readonly number[];
}

/** A module's name as the kernel has it: `drivers/hid/hid-core` is `hid_core`. */
export function moduleNameIn(exporter: string): string {
  return (exporter.split('/').at(-1) ?? '').replace(/\.ko$/, '').replaceAll('-', '_');
}

/** Symbols by name, over all tables that are known of a kernel. */
export class ExportIndex {
  readonly #exports = new Map<string, Map<string, KnownExport>>();
  readonly #exported = new Map<string, Set<number>>();
  readonly #imported = new Map<string, Set<number>>();
  readonly #complete = new Set<string>();

  constructor(tables: readonly SymbolTable[]) {
    for (const table of tables) {
      const exporter = table.exporter === undefined ? undefined : moduleNameIn(table.exporter);
      if (table.source.kind === 'imports' || exporter === undefined) this.#addImports(table.symbols);
      else {
        if (table.complete) this.#complete.add(exporter);
        for (const symbol of table.symbols) this.#addExport(symbol, exporter);
      }
    }
  }

  /** True where the kernel itself, or that module, exports nothing that is not known. */
  isComplete(exporter: string): boolean {
    return this.#complete.has(exporter);
  }

  find(name: string): KnownSymbol {
    const crcs = this.#exported.get(name) ?? this.#imported.get(name) ?? [];
    return { exports: [...(this.#exports.get(name)?.values() ?? [])], crcs: [...crcs] };
  }

  #addImports(symbols: readonly KernelSymbol[]): void {
    for (const { name, crc } of symbols) if (crc !== undefined) addTo(this.#imported, name, crc);
  }

  #addExport(symbol: KernelSymbol, exporter: string): void {
    const { name, crc } = symbol;
    if (crc !== undefined) addTo(this.#exported, name, crc);
    const known = this.#exports.get(name) ?? new Map<string, KnownExport>();
    known.set(exporter, { ...symbol, ...known.get(exporter), exporter });
    this.#exports.set(name, known);
  }
}

function addTo(map: Map<string, Set<number>>, name: string, crc: number): void {
  const known = map.get(name);
  if (known === undefined) map.set(name, new Set([crc]));
  else known.add(crc);
}
