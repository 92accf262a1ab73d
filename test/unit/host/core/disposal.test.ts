import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeContext } from '../../../../host/src/core/context.js';
import { quietly } from '../../../../host/src/core/disposal.js';
import type { Event } from '../../../../host/src/core/events.js';

test('quietly turns a failing clean-up into a warning, also one that throws at once or no Error', async () => {
  const events: Event[] = [];
  const ctx = makeContext({ onEvent: (event) => events.push(event) });
  await quietly(ctx, 'do nothing', () => Promise.resolve());
  assert.deepEqual(events, []);
  await quietly(ctx, 'put it back', () => Promise.reject(new Error('stuck')));
  await quietly(ctx, 'put it back', () => {
    throw 'a text'; // eslint-disable-line @typescript-eslint/only-throw-error -- what foreign code may do
  });
  const shown = (reason: string) => ({ kind: 'warning', warning: 'cleanup', message: `Cannot put it back: ${reason}` });
  assert.deepEqual(events, [shown('stuck'), shown('a text')]);
});

test('quietly in a disposer leaves the error of the body on top', async () => {
  const body = new Error('the real failure');
  const run = async (): Promise<void> => {
    await using _held = {
      [Symbol.asyncDispose]: () => quietly(makeContext(), 'clean up', () => Promise.reject(new Error('second'))),
    };
    throw body;
  };
  await assert.rejects(run, body);
});
