import { setImmediate } from 'node:timers/promises';
import type { Cache, Entry } from '../cache/format.js';
import type { EntryFacts } from '../cache/manifest.js';
import { type Staging, openStaging } from '../cache/staging.js';
import type { Context } from '../core/context.js';
import { isKhError, withDetails } from '../core/error.js';
import { tool } from '../core/tool.js';
import type { Probe, Sighting } from '../device/probe.js';
import type { Session, Transfer } from '../device/session.js';
import type { TransferReport } from '../device/transfer-notes.js';
import type { TreeFacts } from './check-tree.js';
import type { PhoneFacts, PhoneReport } from './phone-report.js';
import type { Attempt } from './plan.js';
import type { Received } from './receive.js';

export interface FetchRequest {
  readonly cache: Cache;
  readonly attempt: Attempt;
  readonly sighting: Sighting;
  /** The phone's identity, for the manifest: called when the archive is here, while it is extracted. */
  readonly ask: () => Promise<Probe>;
  readonly facts: PhoneFacts;
}

/**
 * One attempt: staging first (a full disk must not touch the phone), then load, read, unload, check and publish. The extraction
 * is made ready while the phone loads: starting xz takes 10 ms, and it has the processors for itself then.
 */
export async function fetchEntry(
  session: Session,
  request: FetchRequest,
  ctx: Context,
): Promise<{ readonly entry: Entry; readonly phone: PhoneReport }> {
  const { cache, attempt, sighting, facts } = request;
  await using staging = await openStaging(cache, ctx);
  const opening = session.openTransfer(attempt.request, attempt.asRoot, ctx);
  await using _ = whenOpened(opening);
  let phone: PhoneReport = { loaded: false, unloaded: 'unknown', asFound: false };
  let probing: Promise<Probe> | undefined;
  const whole = async (): Promise<void> => {
    const transfer = await opening;
    const { agent } = transfer;
    phone = { ...(await settlePhone(transfer, facts.serial, ctx)), ...(agent === undefined ? {} : { agent }) };
    probing = request.ask();
    // It is awaited for the manifest; where the extraction fails first, that is the failure to report.
    probing.catch(() => undefined);
  };
  try {
    const stages = await loadStages();
    const received = await receive(stages, { opening, staging, request, whole }, ctx);
    const tree = await stages.checkTree(staging.headersDir, received.tree, sighting.release, ctx);
    const manifest = describe(request, await (probing ?? request.ask()), await opening, received, tree);
    ctx.report({ kind: 'step', step: 'publish' });
    const entry = await stages.publish(staging, manifest, received.tree, ctx);
    return { entry, phone };
  } catch (error) {
    throw withDetails(error, { serial: facts.serial });
  }
}

/** Hangs up once there is something to hang up, whoever failed. */
function whenOpened(opening: Promise<Transfer>): AsyncDisposable {
  opening.catch(() => undefined);
  return {
    async [Symbol.asyncDispose]() {
      const transfer = await opening.catch(() => undefined);
      await transfer?.[Symbol.asyncDispose]();
    },
  };
}

/** A module that somebody else loaded was there already, whoever held it while it was read. */
function sourceOf({ request }: Attempt, { loaded }: Transfer): Attempt['request']['kind'] {
  return request.kind === 'module' && !loaded ? 'live' : request.kind;
}

/** What turns bytes into an entry. Loaded when the phone has its orders, while it carries them out. */
async function loadStages() {
  await setImmediate();
  const [{ receiveArchive }, { checkTree }, { publish }] = await Promise.all([
    import('./receive.js'),
    import('./check-tree.js'),
    import('../cache/publish.js'),
  ]);
  return { receiveArchive, checkTree, publish };
}

interface Receiving {
  readonly opening: Promise<Transfer>;
  readonly staging: Staging;
  readonly request: FetchRequest;
  readonly whole: () => Promise<void>;
}

async function receive(
  { receiveArchive }: Awaited<ReturnType<typeof loadStages>>,
  { opening, staging, request, whole }: Receiving,
  ctx: Context,
): Promise<Received> {
  const bytes = metered(opening, ctx);
  if (request.attempt.request.kind !== 'carve') return receiveArchive(bytes, staging, whole, ctx);
  const { carveFrom } = await import('./carve.js');
  const carved = await carveFrom(bytes, request.sighting.release, ctx);
  await whole();
  return receiveArchive(carved, staging, () => Promise.resolve(), ctx);
}

async function* metered(opening: Promise<Transfer>, ctx: Context): AsyncGenerator<Buffer, void, undefined> {
  const transfer = await opening;
  let done = 0;
  for await (const chunk of transfer.bytes) {
    done += chunk.length;
    ctx.report({ kind: 'progress', step: 'read', done, total: transfer.size });
    yield chunk;
  }
}

/** Waits for the phone's report after the last byte. All bytes are here: whatever fails now is a warning. */
async function settlePhone(transfer: Transfer, serial: string, ctx: Context): Promise<PhoneReport> {
  if (transfer.loaded) ctx.report({ kind: 'step', step: 'unload' });
  const { loaded } = transfer;
  let report: TransferReport;
  try {
    report = await transfer.finish();
  } catch (error) {
    if (!isKhError(error) || ctx.signal.aborted) throw error;
    if (loaded) warnLeft(serial, 'the connection broke before the phone reported', ctx);
    return { loaded, unloaded: 'unknown', asFound: !loaded };
  }
  if (report.unload === 'failed') warnLeft(serial, report.detail, ctx);
  if (loaded && report.unload === 'none') {
    warnLeft(serial, 'its script ended before it unloaded', ctx);
    return { loaded, unloaded: 'unknown', asFound: false };
  }
  const appeared = report.after.includes('kheaders') && !transfer.before.includes('kheaders');
  const asFound = report.unload === 'kept' || (report.unload !== 'failed' && !(loaded && appeared));
  const left = report.unload === 'kept' ? 'another host uses it' : 'done, the phone is as it was';
  if (loaded && asFound) ctx.report({ kind: 'step', step: 'unload', detail: left });
  return { loaded, unloaded: report.unload, asFound };
}

function warnLeft(serial: string, reason: string, ctx: Context): void {
  const message = `The kheaders module may still be loaded on the phone: ${reason}. Type: adb -s ${serial} shell su -c 'rmmod kheaders'`;
  ctx.report({ kind: 'warning', warning: 'module-left', message });
}

function describe(
  { attempt, facts }: FetchRequest,
  probe: Probe,
  transfer: Transfer,
  { archive }: Received,
  { layout }: TreeFacts,
): EntryFacts {
  const { identity } = probe;
  return {
    release: identity.release,
    machine: identity.machine,
    archive,
    source: { kind: sourceOf(attempt, transfer), devicePath: transfer.path },
    provenance: {
      serial: facts.serial,
      model: facts.model,
      fingerprint: identity.fingerprint,
      procVersion: identity.procVersion,
      abi: probe.abi,
    },
    identity,
    layout,
    createdAt: new Date().toISOString(),
    tool,
  };
}
