import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import type { TestContext } from 'node:test';
import { type Cache, cacheAt } from '../../../../../host/src/cache/format.js';
import { makeContext } from '../../../../../host/src/core/context.js';
import { KhError } from '../../../../../host/src/core/error.js';
import type { Event } from '../../../../../host/src/core/events.js';
import { parseProbe } from '../../../../../host/src/device/probe.js';
import type { AttemptKind } from '../../../../../host/src/pull/plan.js';
import { type Fetched, type PullOutcome, type PullRequest, pullFrom } from '../../../../../host/src/pull/pull.js';
import { Share } from '../../../../../host/src/pull/share.js';
import {
  type ScriptedSession,
  type SessionScript,
  type TransferScript,
  scriptSession,
} from '../../../../support/session.js';
import { temporaryDirectory } from '../../../../support/temp.js';
import { archive, bootId, livePath, probeText, release } from '../../../../fault/support/phone-script.js';

export const boot = { bootId, procVersion: `Linux version ${release} (build@host) #1 SMP`, release };
export const withModule = parseProbe(probeText());
export const withLive = parseProbe(probeText({ ko: [], live: [`yes ${livePath}`] }));
export const good: TransferScript = { bytes: [archive.subarray(0, 50), archive.subarray(50)], size: archive.length };
export const loaded: TransferScript = {
  ...good,
  loaded: true,
  before: ['binder'],
  report: { unload: 'ok', after: ['binder'] },
};
export const refusal = (code: 'module-refused' | 'read-refused' | 'not-root', reason: string): KhError =>
  new KhError(code, 'No', { reason });

export interface Run {
  readonly outcome: PullOutcome | undefined;
  readonly error: KhError | undefined;
  readonly warnings: readonly string[];
  readonly steps: readonly string[];
  readonly session: ScriptedSession;
}

export async function run(
  cache: Cache,
  script: SessionScript,
  change: Partial<PullRequest> = {},
  signal?: AbortSignal,
): Promise<Run> {
  const session = scriptSession(script);
  const events: Event[] = [];
  const ctx = makeContext({ signal, onEvent: (event) => events.push(event) });
  const all: readonly AttemptKind[] = ['live', 'module', 'carve'];
  const request: PullRequest = {
    root: 'auto',
    sources: new Set(all),
    force: false,
    share: new Share<Fetched>(),
    facts: { serial: 'PHONE1', model: 'Pixel_8' },
    ...change,
  };
  const asked = await session.openProbe(ctx);
  const result = await pullFrom(session, asked, cache, request, ctx).catch((error: unknown) => error as KhError);
  assert.equal(session.open(), 0, 'a transfer is still open');
  // A run beside this one may be writing there.
  if (change.share === undefined) assert.deepEqual(await readdir(cache.tmp).catch(() => []), [], 'staging is left');
  const failed = result instanceof Error;
  return {
    outcome: failed ? undefined : result,
    error: failed ? result : undefined,
    warnings: events.flatMap((event) => (event.kind === 'warning' ? [`${event.warning}: ${event.message}`] : [])),
    steps: events.flatMap((event) => (event.kind === 'step' ? [event.step] : [])),
    session,
  };
}

export const makeCache = async (t: TestContext): Promise<Cache> => cacheAt(await temporaryDirectory(t));
export const published = async (cache: Cache): Promise<readonly string[]> => [
  ...(await readdir(cache.kernels).catch(() => [])),
  ...(await readdir(cache.identities).catch(() => [])),
];

export function failsWith({ outcome, error }: Run, code: string): KhError {
  assert.equal(outcome, undefined);
  assert.ok(error instanceof KhError, String(error));
  assert.equal(error.code, code);
  return error;
}
