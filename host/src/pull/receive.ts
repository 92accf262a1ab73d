import { isCaseInsensitive } from '../archive/case-probe.js';
import { extractArchive, walkArchive } from '../archive/extract.js';
import { defaultLimits } from '../archive/limits.js';
import { untilAborted } from '../archive/until-aborted.js';
import { inCache } from '../cache/errors.js';
import { readPieces } from '../cache/files.js';
import { type Staging, writeArchive } from '../cache/staging.js';
import { type Context, throwIfAborted } from '../core/context.js';
import type { Tree, TreeVisitor } from '../core/tree.js';
import { Relay } from './relay.js';

/** An archive in staging, spooled and extracted. */
export interface Received {
  readonly archive: { readonly sha256: string; readonly bytes: number };
  readonly tree: Tree;
}

/**
 * Spools an archive into staging and extracts it beside, at the same time. `whole` is called as soon as the last byte
 * is spooled, while extraction still goes on: the phone unloads its module then. If one side fails the other is
 * cancelled, both are awaited, and the first failure is thrown. Errors: of the source, extractArchive(), writeArchive().
 */
export async function receiveArchive(
  source: AsyncIterable<Uint8Array>,
  staging: Staging,
  whole: () => Promise<void>,
  ctx: Context,
): Promise<Received> {
  const failure = new AbortController();
  const inner: Context = {
    signal: AbortSignal.any([ctx.signal, failure.signal]),
    report: (event) => ctx.report(event),
  };
  let first: { readonly error: unknown } | undefined;
  const guard = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      first ??= { error };
      failure.abort(error);
      throw error;
    }
  };
  const relay = new Relay();
  const spool = guard(spoolArchive(relay.tap(untilAborted(source, inner)), staging, whole, inner));
  const extraction = guard(extractInto(staging.headersDir, relay.items(inner), inner));
  const [archive, tree] = await Promise.allSettled([spool, extraction]);
  throwIfAborted(ctx);
  if (archive.status === 'fulfilled' && tree.status === 'fulfilled') {
    return { archive: archive.value, tree: tree.value };
  }
  throw first?.error;
}

async function spoolArchive(
  source: AsyncIterable<Uint8Array>,
  staging: Staging,
  whole: () => Promise<void>,
  ctx: Context,
): Promise<Received['archive']> {
  const archive = await writeArchive(staging, source, ctx);
  await whole();
  return archive;
}

/** Extracts xz bytes into an empty directory under the project's limits. Errors: as extractArchive(). */
export async function extractInto(target: string, source: AsyncIterable<Uint8Array>, ctx: Context): Promise<Tree> {
  const caseInsensitive = await isCaseInsensitive(target);
  const options = { limits: defaultLimits, caseInsensitive, xzProgram: 'xz' };
  return extractArchive(announced(source, ctx), target, options, ctx);
}

/** The same bytes; reports the step when there are some. */
async function* announced(
  source: AsyncIterable<Uint8Array>,
  ctx: Context,
): AsyncGenerator<Uint8Array, void, undefined> {
  let isFirst = true;
  for await (const chunk of source) {
    if (isFirst) ctx.report({ kind: 'step', step: 'extract' });
    isFirst = false;
    yield chunk;
  }
}

/** Shows the visitor what is in an archive on disk; writes nothing and reports nothing. Errors: as walkArchive(), those of the disk. */
export async function walkFile(path: string, visitor: TreeVisitor, { signal }: Context): Promise<Tree> {
  const silent: Context = { signal, report: () => undefined };
  const options = { limits: defaultLimits, caseInsensitive: false };
  return inCache(path, () => walkArchive(readPieces(path), options, visitor, silent));
}
