import { KhError } from '../core/error.js';
import type { KernelSymbol, SymbolTable } from './symbol-table.js';

const kinds = ['symvers', 'image', 'exports', 'imports'] as const;

/** Far above what a kernel and all modules of a phone come to: 10,000 exports, 500 modules of 200 imports each. */
const limits = { characters: 256 * 1024 * 1024, tables: 50_000, symbols: 4_000_000, path: 4096, name: 512 };

type Json = Readonly<Record<string, unknown>>;

/** The text of a `symbols.json`: one table a line, a newline at the end. The same tables give the same text. */
export function formatSymbolTables(tables: readonly SymbolTable[]): string {
  const lines = tables.map(({ source, exporter, complete, symbols }) => {
    const { kind, path, sha256 } = source;
    const ordered = symbols.map(({ name, crc, gpl, namespace }) => ({ name, crc, gpl, namespace }));
    return JSON.stringify({ source: { kind, path, sha256 }, exporter, complete, symbols: ordered });
  });
  return `{"schema":1,"tables":[\n${lines.join(',\n')}\n]}\n`;
}

/**
 * The reverse; unknown fields are dropped. Paths are text without control characters and otherwise untrusted.
 *
 * @throws KhError `cache-corrupt`; the reason names the field.
 */
export function parseSymbolTables(text: string): readonly SymbolTable[] {
  if (text.length > limits.characters) throw wrong('too large');
  const top = objectOf(parseJson(text), 'no JSON object');
  if (top['schema'] !== 1) throw wrong('schema');
  const budget = { symbols: limits.symbols };
  return listOf(top['tables'], limits.tables, 'tables').map((table, index) =>
    readTable(table, `tables.${index}`, budget),
  );
}

function readTable(value: unknown, field: string, budget: { symbols: number }): SymbolTable {
  const table = objectOf(value, field);
  const source = objectOf(table['source'], `${field}.source`);
  const kind = kinds.find((known) => known === source['kind']);
  if (kind === undefined) throw wrong(`${field}.source.kind`);
  const path = textOf(source['path'], isPath, `${field}.source.path`);
  const sha256 = optional(source['sha256'], (text) => textOf(text, isSha256, `${field}.source.sha256`));
  const exporter = optional(table['exporter'], (text) => textOf(text, isExporter, `${field}.exporter`));
  const complete = booleanOf(table['complete'], `${field}.complete`);
  const symbols = listOf(table['symbols'], budget.symbols, `${field}.symbols`);
  budget.symbols -= symbols.length;
  return {
    source: { kind, path, ...(sha256 === undefined ? {} : { sha256 }) },
    ...(exporter === undefined ? {} : { exporter }),
    complete,
    symbols: symbols.map((symbol, index) => readSymbol(symbol, `${field}.symbols.${index}`)),
  };
}

function readSymbol(value: unknown, field: string): KernelSymbol {
  const symbol = objectOf(value, field);
  const crc = optional(symbol['crc'], (number) => crcOf(number, `${field}.crc`));
  const gpl = optional(symbol['gpl'], (flag) => booleanOf(flag, `${field}.gpl`));
  const namespace = optional(symbol['namespace'], (text) => textOf(text, isNamespace, `${field}.namespace`));
  return {
    name: textOf(symbol['name'], isSymbolName, `${field}.name`),
    ...(crc === undefined ? {} : { crc }),
    ...(gpl === undefined ? {} : { gpl }),
    ...(namespace === undefined ? {} : { namespace }),
  };
}

/** True for what a kernel symbol may be called: at most KSYM_NAME_LEN (512, include/linux/kallsyms.h) of its characters. */
export function isSymbolName(text: string): boolean {
  return text.length < limits.name && /^[A-Za-z_.$][\w.$]*$/.test(text);
}

/** True for `vmlinux`, and for a module's name or its path in the kernel's tree; never a text with spaces in it. */
export function isExporter(text: string): boolean {
  return text.length <= limits.path && /^[\w./+,@-]+$/.test(text);
}

/** True for the name of a symbol namespace, also of one for certain modules (`module:kvm-*,i915`). */
export function isNamespace(text: string): boolean {
  return text.length < limits.name && /^[\w.:,*+-]+$/.test(text);
}

function isPath(text: string): boolean {
  return text.length > 0 && text.length <= limits.path && !/\p{Cc}/u.test(text);
}

function isSha256(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw wrong('not JSON');
  }
}

function objectOf(value: unknown, field: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(field);
  return Object.assign(Object.create(null) as Json, value);
}

function listOf(value: unknown, most: number, field: string): readonly unknown[] {
  if (!Array.isArray(value) || value.length > most) throw wrong(field);
  return value;
}

function textOf(value: unknown, test: (text: string) => boolean, field: string): string {
  if (typeof value !== 'string' || !test(value)) throw wrong(field);
  return value;
}

function booleanOf(value: unknown, field: string): boolean {
  if (typeof value !== 'boolean') throw wrong(field);
  return value;
}

function crcOf(value: unknown, field: string): number {
  const good = typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;
  if (!good) throw wrong(field);
  return value;
}

function optional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
  return value === undefined ? undefined : read(value);
}

function wrong(field: string): KhError {
  return new KhError('cache-corrupt', 'A table of kernel symbols has a wrong value', { reason: field });
}
