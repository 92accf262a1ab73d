import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { walkArchive } from '../archive/extract.js';
import { defaultLimits } from '../archive/limits.js';
import { inCache } from '../cache/errors.js';
import { readPieces } from '../cache/files.js';
import type { Entry } from '../cache/format.js';
import { type Context, type OperationOptions, makeContext, throwIfAborted } from '../core/context.js';
import { errnoOf } from '../core/error.js';
import type { TreeVisitor } from '../core/tree.js';
import { type FileDifference, type OptionDifference, compareConfigs, compareTrees } from './compare-kernels.js';
import { readEntryFacts } from './entry-facts.js';

/** What is not the same in two cached kernels. */
export interface KernelDifference {
  readonly files: readonly FileDifference[];
  readonly options: readonly OptionDifference[];
}

/**
 * Compares two entries by what is in their archives, and by the configuration in their headers.
 * Errors: `archive-corrupt`, those of the disk, `build-failed` where the headers hold no configuration, `cancelled`.
 */
export async function diffKernels(a: Entry, b: Entry, options: OperationOptions = {}): Promise<KernelDifference> {
  const ctx = makeContext(options);
  const [first, second] = await Promise.all([a, b].map((entry) => readSide(entry, ctx)));
  if (first === undefined || second === undefined) throw new TypeError('two entries are compared');
  return { files: compareTrees(first.tree, second.tree), options: compareConfigs(first.config, second.config) };
}

async function readSide(entry: Entry, ctx: Context) {
  const tree = new Map<string, string>();
  const visitor: TreeVisitor = {
    directory: () => undefined,
    file: (path, _kind, { bytes, at, size }) =>
      void tree.set(path, `file ${hash('sha256', bytes.subarray(at, at + size))}`),
    symlink: (path, target) => void tree.set(path, `symlink ${target}`),
  };
  const silent: Context = { signal: ctx.signal, report: () => undefined };
  const options = { limits: defaultLimits, caseInsensitive: false };
  await inCache(entry.archivePath, () => walkArchive(readPieces(entry.archivePath), options, visitor, silent));
  return { tree, config: (await readEntryFacts(entry)).config };
}

/**
 * The difference of one path as a unified diff, by the library `diff`: the same text on every machine, with or without
 * git and diffutils. Links are shown by what they lead to. Errors: `cancelled`, those of the disk.
 */
export async function formatPatch(
  a: Entry,
  b: Entry,
  { path }: FileDifference,
  options: OperationOptions = {},
): Promise<string> {
  throwIfAborted(makeContext(options));
  // Loaded here because the other commands have no use for it.
  const { createTwoFilesPatch, FILE_HEADERS_ONLY } = await import('diff');
  const [before, after] = await Promise.all([a, b].map(({ headers }) => readText(join(headers, path))));
  const left = before === undefined ? '/dev/null' : `a/${path}`;
  const right = after === undefined ? '/dev/null' : `b/${path}`;
  return createTwoFilesPatch(left, right, before ?? '', after ?? '', undefined, undefined, {
    headerOptions: FILE_HEADERS_ONLY,
  });
}

/** Undefined where there is no such file; a folder, to which a link may lead, is none. */
async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'EISDIR'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}
