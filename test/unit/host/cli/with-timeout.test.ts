import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { withTimeout } from '../../../../host/src/cli/with-timeout.js';
import { abortError } from '../../../../host/src/core/context.js';

const never = new AbortController().signal;

/** Work that does nothing but wait to be told to stop. */
const waiting = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(abortError(signal)), { once: true }));

test('withTimeout ends work after its seconds, with a time-out that tells how long that was', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const running = withTimeout(never, 2.5, waiting);
  mock.timers.tick(2500);
  await assert.rejects(running, { code: 'timeout', details: { reason: 'the whole command', milliseconds: 2500 } });
});

test('withTimeout passes on a cancellation, results and failures', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const controller = new AbortController();
  const running = withTimeout(controller.signal, 100, waiting);
  controller.abort();
  await assert.rejects(running, { code: 'cancelled' });
  for (const seconds of [undefined, 100]) {
    assert.equal(await withTimeout(never, seconds, () => Promise.resolve(7)), 7);
    await assert.rejects(
      withTimeout(never, seconds, () => Promise.reject(new Error('own'))),
      { message: 'own' },
    );
  }
});

test('withTimeout refuses what are no seconds', async () => {
  for (const seconds of [0, -1, NaN]) {
    await assert.rejects(
      withTimeout(never, seconds, () => assert.fail()),
      { code: 'usage' },
      String(seconds),
    );
  }
});
