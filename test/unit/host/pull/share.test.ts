import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Share, kernelKey } from '../../../../host/src/pull/share.js';

test('Share runs the work of one key once; who comes meanwhile or later takes the result', async () => {
  const share = new Share<number>();
  let runs = 0;
  const work = async (): Promise<number> => {
    runs += 1;
    await setImmediate();
    return 42;
  };
  const all = await Promise.all([share.once('k', work), share.once('k', work), share.once('k', work)]);
  assert.deepEqual(all, [
    { value: 42, shared: false },
    { value: 42, shared: true },
    { value: 42, shared: true },
  ]);
  assert.deepEqual(await share.once('k', work), { value: 42, shared: true });
  assert.equal(runs, 1);
});

test('Share keeps keys apart and runs them at the same time', async () => {
  const share = new Share<string>();
  let running = 0;
  const work = (name: string) => async () => {
    running += 1;
    while (running < 2) await setImmediate();
    return name;
  };
  const all = await Promise.all([share.once('a', work('a')), share.once('b', work('b'))]);
  assert.deepEqual(
    all.map(({ value }) => value),
    ['a', 'b'],
  );
});

test('Share: a failure is the failed one’s own; the others try, one after the other', async () => {
  const share = new Share<string>();
  let running = 0;
  const attempt = (name: string, failure?: Error) =>
    share.once('k', async () => {
      running += 1;
      assert.equal(running, 1);
      await setImmediate();
      running -= 1;
      if (failure) throw failure;
      return name;
    });
  const [first, second] = [new Error('first'), new Error('second')];
  const all = await Promise.allSettled([attempt('a', first), attempt('b', second), attempt('c'), attempt('d')]);
  assert.deepEqual(
    all.map((end) => (end.status === 'rejected' ? (end.reason as Error).message : end.value)),
    ['first', 'second', { value: 'c', shared: false }, { value: 'c', shared: true }],
  );
});

const identity = {
  release: '6.1',
  procVersion: 'v',
  machine: 'aarch64',
  configSha256: 'c',
  notesSha256: 'n',
  fingerprint: 'f',
  vbmetaDigest: 'd',
};

test('kernelKey: the system image around a kernel does not matter, the kernel does', () => {
  const key = kernelKey(identity);
  assert.equal(kernelKey({ ...identity, fingerprint: 'other', vbmetaDigest: 'other' }), key);
  const changes = (['release', 'procVersion', 'machine', 'configSha256', 'notesSha256'] as const).map((name) =>
    kernelKey({ ...identity, [name]: 'other' }),
  );
  assert.equal(new Set([key, ...changes]).size, 6);
});

test('kernelKey: one digest is enough, none makes the whole identity count', () => {
  const { configSha256, notesSha256, ...bare } = identity;
  const half = { ...bare, configSha256 };
  assert.equal(kernelKey(half), kernelKey({ ...half, fingerprint: 'other' }));
  const other = { ...bare, notesSha256 };
  assert.equal(kernelKey(other), kernelKey({ ...other, fingerprint: 'other' }));
  assert.notEqual(kernelKey(half), kernelKey(other));
  assert.notEqual(kernelKey(bare), kernelKey({ ...bare, fingerprint: 'other' }));
  assert.notEqual(kernelKey(bare), kernelKey({ ...bare, vbmetaDigest: 'other' }));
});
