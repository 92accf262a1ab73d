import type { BootIdentity } from '@kheaders/shared';
import type { Cache, Entry } from '../cache/format.js';
import { findByBoot, findByIdentity, recordBoot, recordIdentity } from '../cache/identity-index.js';
import { listRelease, touchEntry } from '../cache/store.js';
import { type Context, throwIfAborted } from '../core/context.js';
import { KhError, isKhError } from '../core/error.js';
import type { Probe, Sighting } from '../device/probe.js';
import type { RunningProbe, Session } from '../device/session.js';
import type * as fetching from './fetch.js';
import { type PhoneFacts, type PhoneReport, untouched } from './phone-report.js';
import { type Attempt, type Outlook, type PlanOptions, planAttempts } from './plan.js';
import { type Share, kernelKey } from './share.js';

export interface PullRequest extends PlanOptions {
  /** Ask the phone even if the cache knows its kernel. */
  readonly force: boolean;
  /** Where given, phones of one run that have one kernel share one download. */
  readonly share: Share<Fetched> | undefined;
  readonly facts: PhoneFacts;
}

/** An entry that came off a phone, and the phone after it. */
export interface Fetched {
  readonly entry: Entry;
  readonly phone: PhoneReport;
}

export interface PullOutcome extends Fetched {
  /**
   * `cached`: the phone was only asked who it is. `shared`: another phone of this run delivered it. `image`: it is from a
   * file of the very kernel.
   */
  readonly how: 'cached' | 'fetched' | 'shared' | 'image';
}

/** How often a phone is asked again because another host unloaded the module under our hands. */
const rounds = 3;

/**
 * From an attached phone, which is asked already, to an entry of the cache. This is the one place that names all stages in
 * order: look up, plan, fetch (load, read, unload, extract, check, publish), record.
 */
export async function pullFrom(
  session: Session,
  asked: RunningProbe,
  cache: Cache,
  request: PullRequest,
  ctx: Context,
): Promise<PullOutcome> {
  const { boot } = asked;
  const booted = request.force || boot === undefined ? undefined : await findByBoot(cache, boot);
  if (booted !== undefined) return takeCached(booted);

  if (asked.sighting !== undefined && (await isNews(cache, asked.sighting, request))) {
    return fetchNews(session, cache, { boot, sighting: asked.sighting }, request, ctx);
  }

  const probe = await asked.finish();
  const known = request.force ? undefined : await findByIdentity(cache, probe.identity);
  if (known !== undefined) {
    await recordAll(cache, boot, undefined, known, ctx);
    return takeCached(known);
  }
  const { value, shared } = await shareOrRun(request.share, kernelKey(probe.identity), () =>
    fetchInRounds(session, cache, given(probe), request, ctx),
  );
  await recordAll(cache, boot, probe, value.entry, ctx);
  return shared ? { ...value, phone: untouched, how: 'shared' } : { ...value, how: 'fetched' };
}

/**
 * Fetches at once and asks for the identity while the archive is extracted: collecting it takes programs, and a phone is
 * slow at starting them.
 */
async function fetchNews(
  session: Session,
  cache: Cache,
  { boot, sighting }: { readonly boot: BootIdentity | undefined; readonly sighting: Sighting },
  request: PullRequest,
  ctx: Context,
): Promise<PullOutcome> {
  let probing: Promise<Probe> | undefined;
  const ask = (): Promise<Probe> => (probing ??= probeSameBoot(session, { boot, sighting }, ctx));
  const fetched = await fetchInRounds(session, cache, { sighting, ask }, request, ctx);
  await recordAll(cache, boot, await ask(), fetched.entry, ctx);
  return { ...fetched, how: 'fetched' };
}

/** The phone may have been restarted since: then what it says now is not about the kernel that gave the archive. */
async function probeSameBoot(
  session: Session,
  { boot, sighting }: { readonly boot: BootIdentity | undefined; readonly sighting: Sighting },
  ctx: Context,
): Promise<Probe> {
  await using asked = await session.openProbe(ctx);
  const probe = await asked.finish();
  if (asked.boot?.bootId === boot?.bootId && probe.release === sighting.release) return probe;
  throw new KhError('device-lost', 'The device was restarted during the pull', { serial: session.serial });
}

async function probeWhole(session: Session, ctx: Context): Promise<Probe> {
  await using asked = await session.openProbe(ctx);
  return await asked.finish();
}

/**
 * True if no identity can be in the cache, because it has nothing of this release. Not where several phones may share a
 * download, nor without a source to begin with.
 */
async function isNews(cache: Cache, sighting: Sighting, request: PullRequest): Promise<boolean> {
  if (request.share !== undefined || sighting.live.length + sighting.modules.length === 0) return false;
  return request.force || (await listRelease(cache, sighting.release)).length === 0;
}

async function shareOrRun<T>(
  share: Share<T> | undefined,
  key: string,
  work: () => Promise<T>,
): Promise<{ readonly value: T; readonly shared: boolean }> {
  return share === undefined ? { value: await work(), shared: false } : share.once(key, work);
}

async function takeCached(entry: Entry): Promise<PullOutcome> {
  await touchEntry(entry);
  return { entry, phone: untouched, how: 'cached' };
}

async function recordAll(
  cache: Cache,
  boot: BootIdentity | undefined,
  probe: Probe | undefined,
  entry: Entry,
  ctx: Context,
): Promise<void> {
  if (probe !== undefined) await recordIdentity(cache, probe.identity, entry, ctx);
  if (boot !== undefined) await recordBoot(cache, boot, entry, ctx);
}

/** Another host may unload the module between our look and our read, or in the middle of it: then we look again. */
async function fetchInRounds(
  session: Session,
  cache: Cache,
  first: Asked,
  request: PullRequest,
  ctx: Context,
): Promise<Fetched> {
  let asked = first;
  for (let round = 1; ; round += 1) {
    try {
      return await fetchFirst(session, cache, asked, request, ctx);
    } catch (error) {
      if (round === rounds || !isVanished(error)) throw error;
      ctx.report({
        kind: 'warning',
        warning: 'retry',
        message: 'The archive vanished while it was read; asking again',
      });
      throwIfAborted(ctx);
      asked = given(await probeWhole(session, ctx));
    }
  }
}

function isVanished(error: unknown): boolean {
  if (isKhError(error, 'archive-corrupt')) return error.details.reason === 'short';
  return isKhError(error, 'read-refused') && error.details.reason === 'ENOENT';
}

/** What a phone has said, and how to get the rest. */
interface Asked {
  readonly sighting: Outlook;
  readonly ask: () => Promise<Probe>;
}

function given(probe: Probe): Asked {
  return { sighting: probe, ask: () => Promise.resolve(probe) };
}

/** Tries the planned sources in order; a refusal leads to the next one, and is reported. */
async function fetchFirst(
  session: Session,
  cache: Cache,
  { sighting, ask }: Asked,
  request: PullRequest,
  ctx: Context,
): Promise<Fetched> {
  const attempts = await planWithSearch(session, sighting, request, ctx);
  const { fetchEntry } = await loadFetch();
  let refusal: KhError | undefined;
  for (const [index, attempt] of attempts.entries()) {
    throwIfAborted(ctx);
    try {
      return await fetchEntry(session, { cache, attempt, sighting, ask, facts: request.facts }, ctx);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      refusal ??= error;
      reportRefusal(error, attempts[index + 1], ctx);
    }
  }
  throw refusal ?? new KhError('headers-unknown', 'Nothing was tried');
}

/** Loaded while the phone thinks about the probe. */
export async function loadFetch(): Promise<typeof fetching> {
  return import('./fetch.js');
}

function isRefusal(error: unknown): error is KhError {
  return ['not-root', 'module-refused', 'read-refused'].some((code) => isKhError(error) && error.code === code);
}

function reportRefusal(error: KhError, next: Attempt | undefined, ctx: Context): void {
  if (next === undefined) return;
  const reason = error.details.reason === undefined ? '' : ` (${error.details.reason})`;
  const message = `${error.message}${reason}; trying the next source: ${next.request.kind}`;
  ctx.report({ kind: 'warning', warning: 'source', message });
}

/** Where the plain shell sees no module although the kernel may have one, root looks for it. */
async function planWithSearch(
  session: Session,
  probe: Outlook,
  request: PullRequest,
  ctx: Context,
): Promise<readonly Attempt[]> {
  try {
    return planAttempts(probe, request);
  } catch (error) {
    if (!isKhError(error, 'headers-unknown') || request.root === 'none') throw error;
    const modules = await searchAsRoot(session, error, ctx);
    return planAttempts({ ...probe, modules }, request);
  }
}

async function searchAsRoot(session: Session, unknown: KhError, ctx: Context): Promise<Probe['modules']> {
  try {
    return await session.searchModules(ctx);
  } catch (error) {
    if (!isKhError(error, 'not-root')) throw error;
    const { tried } = error.details;
    throw new KhError('headers-unknown', unknown.message, { ...unknown.details, ...(tried && { tried }) }, error);
  }
}
