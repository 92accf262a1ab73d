import { createHash, randomBytes } from 'node:crypto';
import { open, readFile, rename, rm, type FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { Extract, Header } from 'tar-stream';
import { abortError, throwIfAborted, type Context } from '../core/context.js';
import { errnoOf, isKhError, KhError } from '../core/error.js';
import { corrupt, inCache } from './errors.js';
import { names, type Entry } from './format.js';
import { formatManifest, parseManifest, type Manifest } from './manifest.js';
import { writeArchive, type Staging } from './staging.js';

const largestManifest = 1 << 16;
const largestArchive = 1 << 30;

/** A file in the tar; the package has no name for it, and types its chunks as unknown. */
type Part = AsyncIterable<unknown> & { readonly header: Header };

/**
 * Writes an entry as one file: a tar, not compressed, of manifest.json and kheaders.tar.xz. The same entry always gives
 * the same bytes. The file appears when it is complete, in place of an older one. Throws `cache-corrupt` if the archive is
 * damaged; `disk-full` and `cache-unwritable` about the file; `cancelled`.
 */
export async function exportEntry(entry: Entry, file: string, ctx: Context): Promise<void> {
  const archive = await inCache(entry.archivePath, () => readFile(entry.archivePath)); // a few MB
  if (createHash('sha256').update(archive).digest('hex') !== entry.manifest.archive.sha256) {
    throw corrupt('The archive is damaged', entry.archivePath, 'archive');
  }
  const { default: tarStream } = await import('tar-stream');
  const tar = tarStream.pack();
  const add = (name: string, content: Buffer) =>
    tar.entry({ name, type: 'file', mode: 0o444, uid: 0, gid: 0, mtime: new Date(0) }, content);
  add(names.manifest, Buffer.from(formatManifest(entry.manifest)));
  add(names.archive, archive);
  tar.finalize();
  await inCache(file, () => writeWhole(file, bytesOf(tar), ctx));
}

async function writeWhole(file: string, chunks: AsyncIterable<Uint8Array>, ctx: Context): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await using handle = await open(temporary, 'wx');
    for await (const chunk of chunks) {
      throwIfAborted(ctx);
      await handle.writeFile(chunk);
    }
    await handle.sync();
    await rename(temporary, file);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** True if a file that begins with these bytes (262 or more) claims to be a bundle. */
export function looksLikeBundle(head: Uint8Array): boolean {
  const text = Buffer.from(head).toString('latin1');
  return text.startsWith(`${names.manifest}\0`) && text.slice(257, 262) === 'ustar';
}

/**
 * Reads what exportEntry() wrote, returns its manifest and puts the archive, which is the one the manifest names, into
 * staging. The rest of an import is to extract it, to compare the tree with the manifest's counts, and to publish.
 * Throws `archive-corrupt` for a file that is no bundle or a damaged one, `usage` for one that cannot be opened,
 * `disk-full`, `cache-unwritable`, `cancelled`.
 */
export async function readBundle(file: string, staging: Staging, ctx: Context): Promise<Manifest> {
  await using handle = await openFile(file);
  const { default: tarStream } = await import('tar-stream');
  const tar = tarStream.extract();
  const [taken, read] = await Promise.allSettled([
    takeParts(tar, staging, ctx),
    pipeline(handle.createReadStream({ autoClose: false }), tar, { signal: ctx.signal }),
  ]);
  if (ctx.signal.aborted) throw abortError(ctx.signal);
  if (taken.status === 'rejected') throw asBundleError(taken.reason, file);
  if (read.status === 'rejected') throw asBundleError(read.reason, file);
  return taken.value;
}

async function openFile(file: string): Promise<FileHandle> {
  try {
    const handle = await open(file, 'r');
    if ((await handle.stat()).isFile()) return handle;
    await handle.close();
  } catch (error) {
    throw new KhError('usage', 'Cannot open the file', { path: file, reason: errnoOf(error) ?? 'unknown' }, error);
  }
  throw new KhError('usage', 'This is not a file', { path: file, reason: 'type' });
}

async function takeParts(tar: Extract, staging: Staging, ctx: Context): Promise<Manifest> {
  const parts = tar[Symbol.asyncIterator]();
  try {
    const manifest = parseManifest(
      await readText(await takePart(parts, names.manifest, largestManifest)),
      names.manifest,
    );
    const archive = await takePart(parts, names.archive, largestArchive);
    const { sha256 } = await writeArchive(staging, bytesOf(archive), ctx);
    if (sha256 !== manifest.archive.sha256) throw damaged('the archive is not the one in the manifest');
    if (!(await parts.next()).done) throw damaged('it holds more than two files');
    return manifest;
  } finally {
    tar.destroy();
  }
}

async function takePart(parts: AsyncIterator<Part>, name: string, limit: number): Promise<Part> {
  const next = await parts.next();
  if (next.done || next.value.header.name !== name) throw damaged(`it has no ${name} in its place`);
  const { type, size } = next.value.header;
  if (type !== 'file' || size > limit) throw damaged(`${name} is not a file, or too large`);
  return next.value;
}

async function readText(part: Part): Promise<string> {
  const chunks = [];
  for await (const chunk of bytesOf(part)) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function bytesOf(stream: AsyncIterable<unknown>): AsyncIterable<Uint8Array> {
  return stream as AsyncIterable<Uint8Array>;
}

function damaged(reason: string): KhError {
  return new KhError('archive-corrupt', `The bundle is damaged: ${reason}`, { reason });
}

/** Everything the tar reader and our parsers find wrong is the file's fault; a full disk is not. */
function asBundleError(error: unknown, file: string): unknown {
  if (isKhError(error) && error.code !== 'archive-corrupt' && error.code !== 'cache-corrupt') return error;
  const reason = (isKhError(error) ? error.details.reason : undefined) ?? 'not a tar, or cut off';
  return new KhError('archive-corrupt', 'The file is not a sound bundle', { path: file, reason }, error);
}
