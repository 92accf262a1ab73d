import { KhError } from '../core/error.js';
import type { KernelSymbol, SymbolTable } from '../image/symbol-table.js';
import type { SymversLine } from '../image/symvers.js';

/** All that is known of a kernel's symbols, one line for each name. */
export interface MergedSymbols {
  /** Sorted by name; only names whose CRC is known. */
  readonly lines: readonly SymversLine[];
  /** Names that are exported, but whose CRC nobody knows, sorted. */
  readonly withoutCrc: readonly string[];
  /** What each source gave, in the order of the tables; tables of one source and path are one row. */
  readonly sources: readonly { readonly kind: string; readonly path: string; readonly crcs: number }[];
}

interface Known {
  readonly symbol: KernelSymbol;
  readonly exporter: string | undefined;
  readonly source: SymbolTable['source'];
}

/**
 * Merges what several sources know: a later one adds what an earlier one does not tell. Where no source names the
 * exporter, the line says `vmlinux`, so that no dependency on a module is made up.
 *
 * @throws KhError `build-failed` where two sources give different CRCs for one name; both are named.
 */
export function mergeSymbols(tables: readonly SymbolTable[]): MergedSymbols {
  const known = new Map<string, Known>();
  const counts = new Map<string, { kind: string; path: string; crcs: number }>();
  for (const { source, exporter, symbols } of tables) {
    const row = counts.get(`${source.kind} ${source.path}`) ?? { kind: source.kind, path: source.path, crcs: 0 };
    counts.set(`${source.kind} ${source.path}`, row);
    for (const symbol of symbols) {
      if (symbol.crc !== undefined) row.crcs++;
      known.set(symbol.name, combine(known.get(symbol.name), { symbol, exporter, source }));
    }
  }
  const sorted = [...known.values()].sort((a, b) => (a.symbol.name < b.symbol.name ? -1 : 1));
  return {
    lines: sorted
      .filter(({ symbol }) => symbol.crc !== undefined)
      .map(({ symbol, exporter = 'vmlinux' }) => ({ symbol, exporter })),
    withoutCrc: sorted.filter(({ symbol }) => symbol.crc === undefined).map(({ symbol }) => symbol.name),
    sources: [...counts.values()],
  };
}

function combine(first: Known | undefined, second: Known): Known {
  if (first === undefined) return second;
  const { symbol, exporter, source } = first;
  const { crc } = second.symbol;
  if (symbol.crc !== undefined && crc !== undefined && symbol.crc !== crc) throw conflict(first, second);
  return {
    symbol: { ...second.symbol, ...symbol },
    exporter: exporter ?? second.exporter,
    source: symbol.crc === undefined && crc !== undefined ? second.source : source,
  };
}

function conflict(a: Known, b: Known): KhError {
  const describe = ({ symbol, source }: Known): string =>
    `0x${(symbol.crc ?? 0).toString(16).padStart(8, '0')} (${source.kind} ${source.path})`;
  return new KhError('build-failed', `Two sources give different CRCs for ${a.symbol.name}`, {
    entry: a.symbol.name,
    expected: describe(a),
    actual: describe(b),
    reason: `${describe(a)}, but ${describe(b)}: they are not of one kernel`,
  });
}

/** Every name some source says is exported, with or without a CRC. */
export function listKnownNames({ lines, withoutCrc }: MergedSymbols): ReadonlySet<string> {
  return new Set([...lines.map(({ symbol }) => symbol.name), ...withoutCrc]);
}
