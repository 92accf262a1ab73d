import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { KhError, errnoOf, isKhError, withDetails } from '../../../../host/src/core/error.js';

test('KhError carries code, details and cause, and has no cause property without one', () => {
  const cause = new Error('below');
  const error = new KhError('device-lost', 'gone', { serial: 'A' }, cause);
  assert.equal(error.name, 'KhError');
  assert.equal(error.message, 'gone');
  assert.deepEqual([error.code, error.details, error.cause], ['device-lost', { serial: 'A' }, cause]);
  assert.equal('cause' in new KhError('usage', 'x'), false);
});

test('isKhError compares the code only where one is given', () => {
  const error = new KhError('timeout', 'late');
  assert.ok(isKhError(error));
  assert.ok(isKhError(error, 'timeout'));
  assert.equal(isKhError(error, 'cancelled'), false);
  assert.equal(isKhError(new Error('timeout')), false);
  assert.equal(isKhError({ code: 'timeout' }, 'timeout'), false);
});

test('withDetails adds facts and overwrites none; code, message and cause stay', () => {
  const cause = new Error('below');
  const added = withDetails(new KhError('device-lost', 'gone', { serial: 'A' }, cause), {
    serial: 'B',
    release: '6.1',
  });
  assert.ok(isKhError(added, 'device-lost'));
  assert.deepEqual(added.details, { serial: 'A', release: '6.1' });
  assert.equal(added.message, 'gone');
  assert.equal(added.cause, cause);
});

test('withDetails returns foreign errors as they are', () => {
  for (const error of [new TypeError('bug'), 'text', undefined])
    assert.equal(withDetails(error, { serial: 'A' }), error);
});

test('errnoOf gives the code of a system error and nothing else', async () => {
  const error: unknown = await readFile('/nonexistent/file').catch((caught: unknown) => caught);
  assert.equal(errnoOf(error), 'ENOENT');
  assert.equal(errnoOf(new Error('ENOENT')), undefined);
  assert.equal(errnoOf(Object.assign(new Error('x'), { code: 1 })), undefined);
  assert.equal(errnoOf({ code: 'ENOENT' }), undefined);
});
