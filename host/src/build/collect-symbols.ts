import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { readExtra } from '../cache/extras.js';
import type { Cache, Entry } from '../cache/format.js';
import { KhError, errnoOf } from '../core/error.js';
import type { SymbolTable } from '../image/symbol-table.js';
import { parseSymbolTables } from '../image/symbol-tables.js';
import { parseSymvers } from '../image/symvers.js';

export interface SymbolOptions {
  /** A Module.symvers of this very kernel. */
  readonly symvers?: string | undefined;
}

/**
 * Everything known of a kernel's symbols: the Module.symvers that was given, the one in the archive (legacy layout), and
 * `symbols.json` beside the entry. Errors: `usage`, `cache-corrupt`.
 */
export async function collectSymbols(
  cache: Cache,
  entry: Entry,
  { symvers }: SymbolOptions,
): Promise<readonly SymbolTable[]> {
  const extra = await readExtra(cache, entry, 'symbols.json');
  return [
    ...(symvers === undefined ? [] : await readSymvers(resolve(symvers))),
    ...(entry.manifest.layout === 'legacy' ? await readSymvers(join(entry.headers, 'Module.symvers'), true) : []),
    ...(extra === undefined ? [] : parseSymbolTables(extra.toString('utf8'))),
  ];
}

async function readSymvers(path: string, isOptional = false): Promise<readonly SymbolTable[]> {
  try {
    const bytes = await readFile(path);
    return parseSymvers(bytes.toString('utf8'), { path, sha256: hash('sha256', bytes) });
  } catch (error) {
    if (error instanceof KhError) throw error;
    const reason = errnoOf(error) ?? 'unknown';
    if (isOptional && reason === 'ENOENT') return [];
    throw new KhError('usage', 'The file cannot be read', { path, reason }, error);
  }
}
