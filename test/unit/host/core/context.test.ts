import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { mock, test } from 'node:test';
import {
  abortError,
  makeContext,
  orAborted,
  throwIfAborted,
  withDeadline,
  withSerial,
} from '../../../../host/src/core/context.js';
import { isKhError } from '../../../../host/src/core/error.js';
import type { Event } from '../../../../host/src/core/events.js';

const warning: Event = { kind: 'warning', warning: 'retry', message: 'again' };

test('makeContext reports to the listener, and survives a listener that throws', () => {
  const events: Event[] = [];
  const ctx = makeContext({
    onEvent(event) {
      events.push(event);
      throw new Error('the caller’s bug');
    },
  });
  ctx.report(warning);
  assert.deepEqual(events, [warning]);
  assert.equal(ctx.signal.aborted, false);
  makeContext().report(warning);
});

test('withSerial adds the serial where an event lacks one', () => {
  const events: Event[] = [];
  const ctx = withSerial(makeContext({ onEvent: (event) => events.push(event) }), 'A');
  ctx.report(warning);
  ctx.report({ ...warning, serial: 'B' });
  assert.deepEqual(events, [
    { ...warning, serial: 'A' },
    { ...warning, serial: 'B' },
  ]);
});

test('withDeadline aborts with a time-out that says what was waited for', (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const outer = makeContext();
  using ctx = withDeadline(outer, 1500, 'su -c');
  mock.timers.tick(1499);
  assert.equal(ctx.signal.aborted, false);
  throwIfAborted(ctx);
  mock.timers.tick(1);
  assert.ok(ctx.signal.aborted);
  assert.equal(outer.signal.aborted, false);
  const error = abortError(ctx.signal);
  assert.ok(isKhError(error, 'timeout'));
  assert.deepEqual(error.details, { reason: 'su -c', milliseconds: 1500 });
  assert.throws(() => throwIfAborted(ctx), error);
});

test('withDeadline passes on what ends the outer context first', (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const controller = new AbortController();
  using ctx = withDeadline(makeContext({ signal: controller.signal }), 1000, 'it');
  controller.abort();
  mock.timers.tick(2000);
  assert.ok(isKhError(abortError(ctx.signal), 'cancelled'));
});

test('withDeadline nested: the inner time-out leaves the outer alone, the outer one ends both', (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  using outer = withDeadline(makeContext(), 2000, 'all');
  using inner = withDeadline(outer, 3000, 'part');
  mock.timers.tick(2000);
  assert.equal(abortError(inner.signal).details.reason, 'all');
});

test('withDeadline disposed never fires, and reports to the same listener', (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const events: Event[] = [];
  let signal: AbortSignal;
  {
    using ctx = withDeadline(makeContext({ onEvent: (event) => events.push(event) }), 10, 'it');
    ctx.report(warning);
    ({ signal } = ctx);
  }
  mock.timers.tick(100);
  assert.equal(signal.aborted, false);
  assert.deepEqual(events, [warning]);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('abortError keeps a foreign reason as the cause of `cancelled`', () => {
  const reason = new Error('the caller’s own');
  const error = abortError(AbortSignal.abort(reason));
  assert.equal(error.code, 'cancelled');
  assert.equal(error.cause, reason);
});

test('orAborted settles as the work does, or ends with the context, and leaves no listener', async () => {
  const controller = new AbortController();
  const ctx = makeContext({ signal: controller.signal });
  const listeners = (): number => getEventListeners(controller.signal, 'abort').length;
  assert.equal(await orAborted(Promise.resolve(7), ctx), 7);
  await assert.rejects(orAborted(Promise.reject(new Error('its own')), ctx), { message: 'its own' });
  assert.equal(listeners(), 0);
  let fail!: (error: Error) => void;
  const never = orAborted(new Promise((_, reject) => (fail = reject)), ctx);
  controller.abort();
  await assert.rejects(never, { code: 'cancelled' });
  fail(new Error('too late to be heard'));
  await assert.rejects(orAborted(Promise.resolve(7), ctx), { code: 'cancelled' });
});
