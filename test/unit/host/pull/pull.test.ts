import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { verifyEntry } from '../../../../host/src/cache/verify.js';
import { makeContext } from '../../../../host/src/core/context.js';
import { KhError } from '../../../../host/src/core/error.js';
import { type Probe, parseProbe } from '../../../../host/src/device/probe.js';
import type { AttemptKind } from '../../../../host/src/pull/plan.js';
import { type Fetched, type PullRequest, pullFrom } from '../../../../host/src/pull/pull.js';
import { walkFile } from '../../../../host/src/pull/receive.js';
import { Share } from '../../../../host/src/pull/share.js';
import { compressXz, file, makeTar } from '../../../support/archives.js';
import { makeModule, scriptSession } from '../../../support/session.js';
import { archive, bootId, livePath, modulePath, probeText, release } from '../../../fault/support/phone-script.js';
import {
  boot,
  withModule,
  withLive,
  good,
  loaded,
  refusal,
  run,
  makeCache,
  published,
  failsWith,
} from './support/pull-run.js';

test('pullFrom fetches once; the second call asks who the phone is and opens no transfer', async (t) => {
  const cache = await makeCache(t);
  const first = await run(cache, { probe: () => withModule, transfer: () => loaded });
  assert.ok(first.outcome, String(first.error));
  assert.deepEqual(
    [first.outcome.how, first.outcome.phone],
    ['fetched', { loaded: true, unloaded: 'ok', asFound: true }],
  );
  assert.deepEqual(first.session.calls, ['probe', 'whole probe', 'module as root', 'finish']);
  assert.deepEqual(first.warnings, []);
  // The phone unloads while the host extracts: which of the two is reported first is open.
  assert.deepEqual([...new Set(first.steps)].sort(), ['check', 'extract', 'publish', 'unload']);
  assert.deepEqual(first.steps.slice(-2), ['check', 'publish']);
  const { entry } = first.outcome;
  const ctx = makeContext();
  assert.deepEqual(await verifyEntry(entry, (path, visitor) => walkFile(path, visitor, ctx), ctx), []);
  const { source, provenance, identity, layout } = entry.manifest;
  assert.deepEqual(source, { kind: 'module', devicePath: modulePath });
  assert.deepEqual(
    [provenance.serial, provenance.model, provenance.abi, layout],
    ['PHONE1', 'Pixel_8', 'arm64-v8a', 'headers'],
  );
  assert.deepEqual(identity, withModule.identity);

  const second = await run(cache, { probe: () => withModule });
  assert.deepEqual(second.outcome, { entry, how: 'cached', phone: { loaded: false, unloaded: 'none', asFound: true } });
  assert.deepEqual(second.session.calls, ['probe', 'whole probe']);
});

test('pullFrom: a boot that is known needs not even the whole probe, but for --force', async (t) => {
  const cache = await makeCache(t);
  await run(cache, { boot, probe: () => withLive, transfer: () => good });
  const second = await run(cache, { boot, probe: () => assert.fail('not needed') });
  assert.equal(second.outcome?.how, 'cached');
  assert.deepEqual(second.session.calls, ['probe']);
  const other = { ...boot, bootId: bootId.replace('0', '1') };
  const rebooted = await run(cache, { boot: other, probe: () => withLive });
  assert.deepEqual([rebooted.outcome?.how, rebooted.session.calls], ['cached', ['probe', 'whole probe']]);
  const again = await run(cache, { boot: other, probe: () => assert.fail('not needed') });
  assert.equal(again.outcome?.how, 'cached');
  const forced = await run(cache, { boot, probe: () => withLive, transfer: () => good }, { force: true });
  assert.deepEqual([forced.outcome?.how, forced.session.calls.length], ['fetched', 4]);
  assert.equal(forced.outcome?.entry.path, second.outcome?.entry.path);
});

test('pullFrom: another identity is asked for, and shares the entry if the archive is the same', async (t) => {
  const cache = await makeCache(t);
  const first = await run(cache, { probe: () => withLive, transfer: () => good });
  const other: Probe = { ...withLive, identity: { ...withLive.identity, fingerprint: 'another image' } };
  const second = await run(cache, { probe: () => other, transfer: () => good });
  assert.equal(second.outcome?.how, 'fetched');
  assert.equal(second.outcome.entry.path, first.outcome?.entry.path);
});

test('pullFrom takes the next source after a refusal, says so, and notes which one it was', async (t) => {
  const cache = await makeCache(t);
  const module = makeModule(archive, release);
  const both = parseProbe(probeText({ live: [`no ${livePath}`] }));
  const seen = await run(cache, {
    probe: () => both,
    transfer(request) {
      if (request.kind === 'live') throw refusal('read-refused', 'EACCES');
      return { bytes: [module], size: module.length };
    },
  });
  assert.ok(seen.outcome, String(seen.error));
  assert.deepEqual(seen.session.calls.slice(2), ['live as root', 'carve', 'finish']);
  assert.deepEqual(seen.warnings, ['source: No (EACCES); trying the next source: carve']);
  const { manifest, archivePath } = seen.outcome.entry;
  assert.deepEqual(manifest.source, { kind: 'carve', devicePath: modulePath });
  assert.ok(archive.equals(await readFile(archivePath)));
});

for (const code of ['module-refused', 'read-refused', 'not-root'] as const) {
  test(`pullFrom: where every source is refused, the first ${code} is told and nothing is published`, async (t) => {
    const cache = await makeCache(t);
    const failures = [refusal(code, 'first'), refusal('read-refused', 'second')];
    const seen = await run(cache, {
      probe: () => withModule,
      transfer(_request, round) {
        throw failures[round - 1] ?? new Error('once too often');
      },
    });
    assert.equal(failsWith(seen, code).details.reason, 'first');
    assert.deepEqual(seen.warnings, ['source: No (first); trying the next source: carve']);
    assert.deepEqual(await published(cache), []);
  });
}

test('pullFrom: any other failure ends it, no source after it is tried', async (t) => {
  const cache = await makeCache(t);
  for (const code of ['device-lost', 'device-failed', 'timeout'] as const) {
    const seen = await run(cache, {
      probe: () => withModule,
      transfer() {
        throw new KhError(code, 'No');
      },
    });
    failsWith(seen, code);
    assert.deepEqual(seen.session.calls, ['probe', 'whole probe', 'module as root']);
  }
  assert.deepEqual(await published(cache), []);
});

test('pullFrom asks again when the archive vanishes under its hands: three rounds at most, each with a new probe', async (t) => {
  const cache = await makeCache(t);
  const short = async function* (): AsyncGenerator<Buffer> {
    yield archive.subarray(0, 60);
    throw new KhError('archive-corrupt', 'cut', { reason: 'short' });
  };
  for (const vanish of [
    () => ({ ...good, bytes: short() }),
    () => {
      throw refusal('read-refused', 'ENOENT');
    },
  ]) {
    const seen = await run(cache, { probe: () => withLive, transfer: vanish });
    assert.ok(seen.error instanceof KhError && ['archive-corrupt', 'read-refused'].includes(seen.error.code));
    const round = ['probe', 'whole probe', 'live'];
    assert.deepEqual(seen.session.calls, [...round, ...round, ...round]);
    assert.equal(seen.warnings.filter((text) => text.startsWith('retry: ')).length, 2);
    assert.deepEqual(await published(cache), []);
  }
  const recovers = await run(cache, {
    probe: (round) => (round === 1 ? withLive : withModule),
    transfer: (_request, round) => (round === 1 ? { ...good, bytes: short() } : loaded),
  });
  assert.equal(recovers.outcome?.entry.manifest.source.kind, 'module');
});

test('pullFrom does not ask again for an archive that is damaged otherwise', async (t) => {
  const cache = await makeCache(t);
  const damaged = Buffer.from(archive);
  damaged[archive.length >> 1]! ^= 1;
  const seen = await run(cache, { probe: () => withLive, transfer: () => ({ ...good, bytes: [damaged] }) });
  failsWith(seen, 'archive-corrupt');
  assert.deepEqual(
    seen.session.calls.filter((call) => call === 'live'),
    ['live'],
  );
  assert.deepEqual(await published(cache), []);
});

test('pullFrom publishes nothing of another release than the phone runs', async (t) => {
  const cache = await makeCache(t);
  const other = parseProbe(
    probeText({ version: ['Linux version 6.1.26-x (y) #1'], ko: [], live: [`yes ${livePath}`] }),
  );
  const seen = await run(cache, { probe: () => other, transfer: () => good });
  const { details } = failsWith(seen, 'release-mismatch');
  assert.deepEqual([details.expected, details.actual, details.serial], ['6.1.26-x', release, 'PHONE1']);
  assert.deepEqual(await published(cache), []);
});

test('pullFrom publishes nothing that holds no headers, or does not say of which kernel', async (t) => {
  const cache = await makeCache(t);
  for (const [reason, members] of [
    ['no-headers', [file('README')]],
    ['no-release', [file('include/linux/a.h')]],
  ] as const) {
    const bytes = compressXz(makeTar(members));
    const seen = await run(cache, { probe: () => withLive, transfer: () => ({ bytes: [bytes], size: bytes.length }) });
    assert.equal(failsWith(seen, 'archive-refused').details.reason, reason);
  }
  assert.deepEqual(await published(cache), []);
});

test('pullFrom lets root look for a module the plain shell cannot see', async (t) => {
  const cache = await makeCache(t);
  const blind = parseProbe(probeText({ ko: [] }));
  const search = () => [{ path: modulePath, readable: false }];
  const found = await run(cache, { probe: () => blind, search, transfer: () => loaded });
  assert.deepEqual(found.session.calls, ['probe', 'whole probe', 'search', 'module as root', 'finish']);
  assert.equal(found.outcome?.how, 'fetched');

  const empty = await makeCache(t);
  const none = await run(empty, { probe: () => blind, search: () => [] });
  failsWith(none, 'headers-unknown');
  const noRoot = () => {
    throw new KhError('not-root', 'No root', { tried: ['su -c: no'] });
  };
  const refused = await run(empty, { probe: () => blind, search: noRoot });
  assert.deepEqual(failsWith(refused, 'headers-unknown').details.tried, ['su -c: no']);
  const unasked = await run(empty, { probe: () => blind, search: () => assert.fail() }, { root: 'none' });
  failsWith(unasked, 'headers-unknown');
  const absent = parseProbe(probeText({ ko: [], config: ['# CONFIG_IKHEADERS is not set'] }));
  const unsupported = await run(empty, { probe: () => absent, search: () => assert.fail() });
  failsWith(unsupported, 'headers-not-supported');
});

test('pullFrom reports what became of the phone', async (t) => {
  const lost = (): Promise<never> => Promise.reject(new KhError('device-lost', 'gone'));
  for (const [report, phone, warned] of [
    [{ unload: 'ok', after: ['binder'] }, { loaded: true, unloaded: 'ok', asFound: true }, false],
    [{ unload: 'gone', after: ['binder'] }, { loaded: true, unloaded: 'gone', asFound: true }, false],
    [{ unload: 'ok', after: ['binder', 'kheaders'] }, { loaded: true, unloaded: 'ok', asFound: false }, false],
    [{ unload: 'kept', after: ['binder', 'kheaders'] }, { loaded: true, unloaded: 'kept', asFound: true }, false],
    [{ unload: 'failed', detail: 'busy' }, { loaded: true, unloaded: 'failed', asFound: false }, true],
    [{ unload: 'none' }, { loaded: true, unloaded: 'unknown', asFound: false }, true],
    [lost, { loaded: true, unloaded: 'unknown', asFound: false }, true],
  ] as const) {
    const seen = await run(await makeCache(t), { probe: () => withModule, transfer: () => ({ ...loaded, report }) });
    assert.deepEqual(seen.outcome?.phone, phone);
    assert.equal(
      seen.warnings.some((text) => text.startsWith('module-left: ')),
      warned,
    );
  }
  const live = await run(await makeCache(t), { probe: () => withLive, transfer: () => ({ ...good, report: lost }) });
  assert.deepEqual(live.outcome?.phone, { loaded: false, unloaded: 'unknown', asFound: true });
  assert.deepEqual(live.warnings, []);
});

test('pullFrom: two phones of one kernel share one download, even at the same time', async (t) => {
  const cache = await makeCache(t);
  const share = new Share<Fetched>();
  const runs = await Promise.all([
    run(cache, { probe: () => withModule, transfer: () => loaded }, { share }),
    run(cache, { probe: () => withModule, transfer: () => loaded }, { share }),
  ]).catch(() => assert.fail());
  assert.deepEqual(runs.map(({ outcome }) => outcome?.how).sort(), ['fetched', 'shared']);
  const shared = runs.find(({ outcome }) => outcome?.how === 'shared');
  assert.deepEqual(shared?.outcome?.phone, { loaded: false, unloaded: 'none', asFound: true });
  assert.deepEqual(shared.session.calls, ['probe', 'whole probe']);
  assert.deepEqual(await readdir(cache.tmp), []);
});

test('pullFrom, cancelled in the middle of a transfer, leaves nothing', async (t) => {
  const cache = await makeCache(t);
  const controller = new AbortController();
  const bytes = async function* (): AsyncGenerator<Buffer> {
    yield archive.subarray(0, 60);
    controller.abort();
    await new Promise(() => undefined);
  };
  const script = { probe: () => withLive, transfer: () => ({ ...good, bytes: bytes() }) };
  failsWith(await run(cache, script, {}, controller.signal), 'cancelled');
  assert.deepEqual(await published(cache), []);
});

test('pullFrom: a phone restarted while it was read is device-lost, and publishes nothing', async (t) => {
  const cache = await makeCache(t);
  const { release: seen, uid, live, modules, su } = withModule;
  const sighting = { release: seen, uid, live, modules, loaded: false, su };
  const other = { ...boot, bootId: bootId.replace('0', '1') };
  for (const [now, code] of [[other, 'device-lost'] as const, [boot, undefined] as const]) {
    let probes = 0;
    const session = scriptSession({ probe: () => withModule, transfer: () => loaded });
    const restarting = {
      ...session,
      async openProbe(ctx: Parameters<typeof session.openProbe>[0]) {
        probes += 1;
        return { ...(await session.openProbe(ctx)), boot: probes === 1 ? boot : now, sighting };
      },
    };
    const request: PullRequest = {
      root: 'auto',
      sources: new Set<AttemptKind>(['module']),
      force: false,
      share: undefined,
      facts: { serial: 'PHONE1' },
    };
    const asked = await restarting.openProbe(makeContext());
    const result = await pullFrom(restarting, asked, cache, request, makeContext()).catch(
      (error: unknown) => error as KhError,
    );
    assert.equal(result instanceof KhError ? result.code : undefined, code);
    assert.equal((await published(cache)).length > 0, code === undefined);
  }
});
