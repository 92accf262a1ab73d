import type { KernelSymbol, SymbolTable } from '../image/symbol-table.js';
import { isSymbolName } from '../image/symbol-tables.js';

/** An export as /proc/kallsyms has it: with CONFIG_KALLSYMS_ALL each has a symbol `__ksymtab_NAME`. */
const line = /^[0-9a-f]+ [a-zA-Z] __ksymtab_(\S{1,500})(?:\s+\[(\w{1,64})\])?$/;

/**
 * What the kernel and each loaded module export, by the text of /proc/kallsyms; CRCs are not there. A module
 * without a line exports nothing; a kernel without one does not tell.
 */
export function parseLoadedExports(kallsyms: string, loaded: readonly string[]): readonly SymbolTable[] {
  const found = new Map<string, KernelSymbol[]>(loaded.map((name) => [name, []]));
  const kernel: KernelSymbol[] = [];
  for (const text of kallsyms.split('\n')) {
    if (!text.includes(' __ksymtab_')) continue;
    const [, name = '', module] = line.exec(text.trim()) ?? [];
    if (isSymbolName(name)) (module === undefined ? kernel : found.get(module))?.push({ name });
  }
  const source = { kind: 'exports', path: '/proc/kallsyms' } as const;
  const tables = kernel.length === 0 ? [] : [...found, ['vmlinux', kernel] as const];
  return tables.map(([exporter, symbols]) => ({ source, exporter, complete: true, symbols }));
}
