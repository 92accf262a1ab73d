import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { makeContext } from '../../../../host/src/core/context.js';
import { Relay } from '../../../../host/src/pull/relay.js';

const silent = makeContext();
const bytes = (value: number): Uint8Array => Uint8Array.of(value);

async function* source(count: number, failure?: Error): AsyncGenerator<Uint8Array> {
  for (let n = 0; n < count; n++) {
    if (n % 2 === 0) await setImmediate();
    yield bytes(n);
  }
  if (failure !== undefined) throw failure;
}

async function collect(items: AsyncIterable<Uint8Array>): Promise<number[]> {
  const found = [];
  for await (const item of items) found.push(item[0] ?? -1);
  return found;
}

test('Relay gives both sides every chunk in order', async () => {
  const relay = new Relay();
  const expected = [0, 1, 2, 3, 4, 5, 6];
  const [tapped, items] = await Promise.all([collect(relay.tap(source(7))), collect(relay.items(silent))]);
  assert.deepEqual([tapped, items], [expected, expected]);
});

test('Relay never holds the source back: it can end before the first item is taken', async () => {
  const relay = new Relay();
  assert.equal((await collect(relay.tap(source(100)))).length, 100);
  assert.equal((await collect(relay.items(silent))).length, 100);
});

test('Relay: a failing source fails on both sides, after its chunks', async () => {
  const failure = new Error('cable');
  const relay = new Relay();
  const seen: number[] = [];
  const read = async (): Promise<void> => {
    for await (const item of relay.items(silent)) seen.push(item[0] ?? -1);
  };
  const [tapped, items] = await Promise.allSettled([collect(relay.tap(source(3, failure))), read()]);
  assert.ok(tapped.status === 'rejected' && items.status === 'rejected');
  assert.deepEqual([tapped.reason, items.reason, seen], [failure, failure, [0, 1, 2]]);
});

test('Relay: a waiting reader is released by the abort, with its reason, and leaves no listener', async () => {
  const controller = new AbortController();
  const relay = new Relay();
  const waiting = collect(relay.items(makeContext({ signal: controller.signal })));
  await setImmediate();
  controller.abort();
  await assert.rejects(waiting, { code: 'cancelled' });
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
  await assert.rejects(collect(relay.items(makeContext({ signal: controller.signal }))), { code: 'cancelled' });
});

test('Relay leaves no listener where nothing was aborted', async () => {
  const { signal } = new AbortController();
  const relay = new Relay();
  await Promise.all([collect(relay.tap(source(9))), collect(relay.items(makeContext({ signal })))]);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});
