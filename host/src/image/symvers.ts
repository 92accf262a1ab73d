import { KhError } from '../core/error.js';
import type { KernelSymbol, SymbolTable } from './symbol-table.js';
import { isExporter, isNamespace, isSymbolName } from './symbol-tables.js';

/** One line of a Module.symvers. */
export interface SymversLine {
  readonly symbol: KernelSymbol;
  /** `vmlinux`, or the exporting module as the build names it (`drivers/hid/hid`). */
  readonly exporter: string;
}

/** A kernel has some 15,000 lines of 60 characters. */
const maxCharacters = 64 * 1024 * 1024;

/**
 * The text of a Module.symvers, as modpost of Linux 5.8 and later reads it: five fields, the last one the namespace. A
 * symbol without a CRC gets 0x00000000, which is what modpost writes for a kernel without MODVERSIONS; leave such symbols
 * out for a kernel with it.
 */
export function formatSymvers(lines: readonly SymversLine[]): string {
  return lines
    .map(({ symbol: { name, crc = 0, gpl, namespace = '' }, exporter }) => {
      const hex = `0x${crc.toString(16).padStart(8, '0')}`;
      return `${hex}\t${name}\t${exporter}\tEXPORT_SYMBOL${gpl === true ? '_GPL' : ''}\t${namespace}\n`;
    })
    .join('');
}

/**
 * The symbols of a Module.symvers, one table for each exporter. Takes all forms modpost has written: without a
 * namespace (before Linux 5.4), with the namespace as third field (5.4 to 5.7), and as the last one. A CRC of 0 counts as
 * not known: that is what is written without MODVERSIONS. No table counts as complete: the file does not say so.
 *
 * @throws KhError `usage` with the path and, as the reason, the number of the line that has another form.
 */
export function parseSymvers(text: string, source: { path: string; sha256?: string }): readonly SymbolTable[] {
  if (text.length > maxCharacters) throw wrong(source.path, 'too large');
  const tables = new Map<string, KernelSymbol[]>();
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '') continue;
    const parsed = parseLine(line);
    if (parsed === undefined) throw wrong(source.path, `line ${index + 1}`);
    const symbols = tables.get(parsed.exporter);
    if (symbols === undefined) tables.set(parsed.exporter, [parsed.symbol]);
    else symbols.push(parsed.symbol);
  }
  return [...tables].map(([exporter, symbols]) => {
    return { source: { kind: 'symvers', ...source }, exporter, complete: false, symbols };
  });
}

function parseLine(line: string): SymversLine | undefined {
  const fields = line.replace(/\r$/, '').split('\t');
  const [hex = '', name = ''] = fields;
  const kindAt = fields.findIndex((field, index) => index > 1 && /^EXPORT_[A-Z_]+$/.test(field));
  if (!/^0x[0-9a-f]{1,8}$/i.test(hex) || !isSymbolName(name) || kindAt < 0 || fields.length > 5) return undefined;
  const exporter = fields[kindAt - 1] ?? '';
  const namespace = kindAt === 4 ? fields[2] : fields[kindAt + 1];
  if (kindAt < 3 || !isExporter(exporter) || (namespace && !isNamespace(namespace))) return undefined;
  const crc = Number(hex);
  return {
    exporter,
    symbol: {
      name,
      ...(crc === 0 ? {} : { crc }),
      gpl: /_GPL/.test(fields[kindAt] ?? ''),
      ...(namespace ? { namespace } : {}),
    },
  };
}

function wrong(path: string, reason: string): KhError {
  return new KhError('usage', 'The file is not a Module.symvers', { path, reason });
}
