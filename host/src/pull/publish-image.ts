import { readExtra, writeExtra } from '../cache/extras.js';
import type { Cache, Entry } from '../cache/format.js';
import type { EntryFacts } from '../cache/manifest.js';
import { publish } from '../cache/publish.js';
import type { Staging } from '../cache/staging.js';
import type { Context } from '../core/context.js';
import { KhError, isKhError } from '../core/error.js';
import { tool } from '../core/tool.js';
import type { SymbolTable } from '../image/symbol-table.js';
import { formatSymbolTables, parseSymbolTables } from '../image/symbol-tables.js';
import { checkTree } from './check-tree.js';
import type { ImageFile } from './read-image.js';
import { receiveArchive } from './receive.js';

/** The phone an image is said to be of; absent for an import. */
export type ImagePhone = Required<Pick<EntryFacts, 'machine' | 'provenance' | 'identity'>>;

/**
 * Publishes the headers carved from an image, and what else the image tells of its kernel beside the entry: its
 * configuration and symbols. The image, the headers and the phone must name one release.
 * Errors: `release-mismatch`, and those of receiveArchive(), checkTree() and publish().
 */
export async function publishImage(
  image: ImageFile,
  staging: Staging,
  phone: ImagePhone | undefined,
  ctx: Context,
): Promise<Entry> {
  const { archive, tree } = await receiveArchive(once(image.archive), staging, () => Promise.resolve(), ctx);
  const { layout, release } = await checkTree(staging.headersDir, tree, phone?.identity?.release, ctx);
  if (image.release !== undefined && image.release !== release) {
    const details = { reason: 'image-headers', path: image.path, expected: image.release, actual: release };
    throw new KhError(
      'release-mismatch',
      'The headers in the file are of another kernel than the file itself',
      details,
    );
  }
  const facts: EntryFacts = {
    release,
    archive,
    source: { kind: 'file', filePath: image.path, carvedFrom: image.layers.join(', '), banner: image.banner?.text },
    ...(phone ?? { provenance: {} }),
    layout,
    createdAt: new Date().toISOString(),
    tool,
  };
  ctx.report({ kind: 'step', step: 'publish' });
  const entry = await publish(staging, facts, tree, ctx);
  await writeExtras(staging.cache, entry, image);
  return entry;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}

async function writeExtras(cache: Cache, entry: Entry, { config, symbols }: ImageFile): Promise<void> {
  if (config !== undefined && (await readExtra(cache, entry, 'config.gz')) === undefined) {
    await writeExtra(cache, entry, 'config.gz', config);
  }
  if (symbols !== undefined) await addSymbolTable(cache, entry, symbols);
}

/** Puts a table among those that are known, in place of an older one of the same source. */
async function addSymbolTable(cache: Cache, entry: Entry, table: SymbolTable): Promise<void> {
  const known = await readTables(cache, entry);
  const { kind, path } = table.source;
  const others = known.filter(({ source }) => source.kind !== kind || source.path !== path);
  await writeExtra(cache, entry, 'symbols.json', Buffer.from(formatSymbolTables([...others, table])));
}

/** A damaged file is as good as none: it is written anew. */
async function readTables(cache: Cache, entry: Entry): Promise<readonly SymbolTable[]> {
  const text = (await readExtra(cache, entry, 'symbols.json'))?.toString('utf8');
  try {
    return text === undefined ? [] : parseSymbolTables(text);
  } catch (error) {
    if (isKhError(error, 'cache-corrupt')) return [];
    throw error;
  }
}
