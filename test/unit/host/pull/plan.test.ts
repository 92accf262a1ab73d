import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Probe } from '../../../../host/src/device/probe.js';
import type { RootPolicy } from '../../../../host/src/device/root.js';
import { type Attempt, type AttemptKind, hasReadHazard, planAttempts } from '../../../../host/src/pull/plan.js';

const sys = '/sys/kernel/kheaders.tar.xz';
const proc = '/proc/kheaders.tar.xz';
const [one, two] = ['/system_dlkm/lib/modules/kheaders.ko', '/vendor/lib/modules/kheaders.ko'];
const release = '6.1.25-android14-11';

const probe = (facts: Partial<Probe>, kernel = release): Probe => ({
  identity: { release: kernel, procVersion: `Linux version ${kernel} (x)`, machine: 'aarch64' },
  release: kernel,
  uid: 2000,
  live: [],
  modules: [],
  loaded: false,
  su: true,
  ...facts,
});
const at = (path: string, readable: boolean) => ({ path, readable });
const live = (path: string, asRoot: boolean): Attempt => ({ request: { kind: 'live', path }, asRoot });
const carve = (path: string, asRoot: boolean): Attempt => ({ request: { kind: 'carve', path }, asRoot });
const load = (...modules: string[]): Attempt => ({ request: { kind: 'module', release, modules }, asRoot: true });

const everything: readonly AttemptKind[] = ['live', 'module', 'carve'];
const plan = (facts: Partial<Probe>, sources = everything, root: RootPolicy = 'auto', kernel = release) =>
  planAttempts(probe(facts, kernel), { root, sources: new Set(sources) });

const built = { live: [at(sys, true)] };
const hidden = { live: [at(sys, false), at(proc, true)] };
const module = { modules: [at(one, false), at(two, true)] };

/** Facts, allowed sources, root policy → attempts in order, or the error. */
const table: readonly [string, Partial<Probe>, readonly AttemptKind[], RootPolicy, readonly Attempt[] | string][] = [
  ['live', built, everything, 'auto', [live(sys, false)]],
  ['live, no root wanted', built, everything, 'none', [live(sys, false)]],
  ['live in two places', hidden, everything, 'auto', [live(sys, true), live(proc, false)]],
  ['live in two places, no root wanted', hidden, everything, 'none', [live(proc, false)]],
  ['live, hidden, no root wanted', { live: [at(sys, false)] }, everything, 'none', 'not-root'],
  ['live, hidden, but root already', { ...hidden, uid: 0 }, everything, 'none', [live(sys, false), live(proc, false)]],
  [
    'live and module: not loaded again',
    { ...built, ...module },
    everything,
    'auto',
    [live(sys, false), carve(one, true), carve(two, false)],
  ],
  [
    'module loaded by somebody: held while it is read',
    { ...built, ...module, loaded: true },
    everything,
    'auto',
    [load(one, two), live(sys, false), carve(one, true), carve(two, false)],
  ],
  [
    'module loaded by somebody, root already',
    { ...built, ...module, loaded: true, su: false, uid: 0 },
    ['live', 'module'],
    'auto',
    [load(one, two), live(sys, false)],
  ],
  [
    'module loaded by somebody, root by adb',
    { ...built, ...module, loaded: true, su: false },
    ['live', 'module'],
    'adb',
    [load(one, two), live(sys, false)],
  ],
  [
    'module loaded by somebody, no way to root',
    { ...built, ...module, loaded: true, su: false },
    ['live', 'module'],
    'auto',
    [live(sys, false)],
  ],
  [
    'module loaded by somebody, no root wanted',
    { ...built, ...module, loaded: true },
    ['live', 'module'],
    'none',
    [live(sys, false)],
  ],
  ['module loaded by somebody, --no-load', { ...built, ...module, loaded: true }, ['live'], 'auto', [live(sys, false)]],
  ['loaded from a file nobody finds', { ...built, loaded: true }, everything, 'auto', [live(sys, false)]],
  ['live not allowed', built, ['module', 'carve'], 'auto', 'read-refused'],
  ['module', module, everything, 'auto', [load(one, two), carve(one, true), carve(two, false)]],
  ['module, su', module, everything, 'su', [load(one, two), carve(one, true), carve(two, false)]],
  ['module, adb', module, everything, 'adb', [load(one, two), carve(one, true), carve(two, false)]],
  ['module, no root wanted', module, everything, 'none', [carve(two, false)]],
  ['module, nothing readable, no root wanted', { modules: [at(one, false)] }, everything, 'none', 'not-root'],
  ['module, --no-load', module, ['live', 'carve'], 'auto', [carve(one, true), carve(two, false)]],
  ['module only', module, ['module'], 'auto', [load(one, two)]],
  ['module only, no root wanted', module, ['module'], 'none', 'not-root'],
  ['module only, root already', { ...module, uid: 0 }, ['module'], 'none', [load(one, two)]],
  ['carve as root already', { ...module, uid: 0 }, ['carve'], 'auto', [carve(one, false), carve(two, false)]],
  ['live only, there is a module', module, ['live'], 'auto', 'read-refused'],
  ['no source allowed', module, [], 'auto', 'read-refused'],
  ['nothing there', {}, everything, 'auto', 'headers-unknown'],
  ['nothing there, configured', { configLine: 'CONFIG_IKHEADERS=m' }, everything, 'auto', 'headers-unknown'],
  [
    'nothing there, not configured',
    { configLine: '# CONFIG_IKHEADERS is not set' },
    everything,
    'auto',
    'headers-not-supported',
  ],
];

for (const [name, facts, sources, root, expected] of table) {
  test(`planAttempts: ${name}`, () => {
    if (typeof expected === 'string') assert.throws(() => plan(facts, sources, root), { code: expected });
    else assert.deepEqual(plan(facts, sources, root), expected);
  });
}

test('planAttempts on a kernel that must not be read: only carving', () => {
  const kernel = '6.3.1-x';
  assert.throws(() => plan(built, everything, 'auto', kernel), { code: 'read-hazard', details: { release: kernel } });
  assert.throws(() => plan(module, ['live', 'module'], 'auto', kernel), { code: 'read-hazard' });
  assert.deepEqual(plan({ ...built, ...module }, everything, 'auto', kernel), [carve(one, true), carve(two, false)]);
  assert.deepEqual(plan(module, everything, 'none', kernel), [carve(two, false)]);
  assert.throws(() => plan(built, ['carve'], 'auto', kernel), { code: 'read-refused' });
});

test('planAttempts says what there is when nothing of it is allowed, and what was tried for root', () => {
  assert.throws(() => plan(module, ['live']), {
    details: { release, reason: 'sources', choices: ['module', 'carve'] },
  });
  const tried = ['adb shell: uid 2000', 'nothing else, because of --root=none'];
  assert.throws(() => plan(module, ['module'], 'none'), { details: { tried } });
});

test('hasReadHazard: from 6.3-rc1 up to the fix in 6.3.2', () => {
  for (const kernel of ['6.3-rc1', '6.3.0-rc1', '6.3-rc7+', '6.3', '6.3.0', '6.3.0-android', '6.3.1', '6.3.1-gki+']) {
    assert.ok(hasReadHazard(kernel), kernel);
  }
  for (const kernel of [
    '6.2.99',
    '6.3.2',
    '6.3.10',
    '6.3.13-x',
    '6.4.0-rc1',
    '6.30.0',
    '6.31.1',
    '5.3.0',
    '16.3.0',
    'next-6.3.0',
    '',
  ]) {
    assert.equal(hasReadHazard(kernel), false, kernel);
  }
});
