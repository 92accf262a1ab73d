import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { untilAborted } from '../../../../host/src/archive/until-aborted.js';
import { makeContext } from '../../../../host/src/core/context.js';

async function* letters(): AsyncGenerator<string> {
  yield* ['a', 'b', 'c'];
}

async function collect(items: AsyncIterable<string>, seen: string[] = []): Promise<string[]> {
  for await (const item of items) seen.push(item);
  return seen;
}

test('untilAborted gives what the source gives, its error too, and leaves no listener', async () => {
  const { signal } = new AbortController();
  const ctx = makeContext({ signal });
  assert.deepEqual(await collect(untilAborted(letters(), ctx)), ['a', 'b', 'c']);
  const failure = new Error('cable');
  async function* broken(): AsyncGenerator<string> {
    yield 'a';
    throw failure;
  }
  await assert.rejects(collect(untilAborted(broken(), ctx)), failure);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('untilAborted does not wait for a source that waits for ever', async () => {
  const controller = new AbortController();
  const seen: string[] = [];
  async function* stuck(): AsyncGenerator<string> {
    yield 'a';
    setImmediate(() => controller.abort());
    await new Promise(() => undefined);
  }
  const reading = collect(untilAborted(stuck(), makeContext({ signal: controller.signal })), seen);
  await assert.rejects(reading, { code: 'cancelled' });
  assert.deepEqual(seen, ['a']);
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
});

test('untilAborted ends between two items when its reader has cancelled meanwhile', async () => {
  const controller = new AbortController();
  const seen: string[] = [];
  const read = async (): Promise<void> => {
    for await (const item of untilAborted(letters(), makeContext({ signal: controller.signal }))) {
      seen.push(item);
      controller.abort();
    }
  };
  await assert.rejects(read(), { code: 'cancelled' });
  assert.deepEqual(seen, ['a']);
});

test('untilAborted closes the source when its reader leaves', async () => {
  let closed = false;
  async function* held(): AsyncGenerator<string> {
    try {
      yield* letters();
    } finally {
      closed = true;
    }
  }
  for await (const item of untilAborted(held(), makeContext())) {
    assert.equal(item, 'a');
    break;
  }
  assert.equal(closed, true);
});
