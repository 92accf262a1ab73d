import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asCacheError } from '../../../../host/src/cache/errors.js';
import { isKhError, KhError } from '../../../../host/src/core/error.js';

const errno = (code: string) => Object.assign(new Error(code), { code });

for (const [name, code] of [
  ['ENOSPC', 'disk-full'],
  ['EDQUOT', 'disk-full'],
  ['EACCES', 'cache-unwritable'],
  ['EPERM', 'cache-unwritable'],
  ['EROFS', 'cache-unwritable'],
] as const) {
  test(`asCacheError makes ${code} of ${name} and keeps path, reason and cause`, () => {
    const cause = errno(name);
    const error = asCacheError(cause, '/c');
    assert.ok(isKhError(error, code));
    assert.deepEqual(error.details, { path: '/c', reason: name });
    assert.equal(error.cause, cause);
  });
}

test('asCacheError returns other errors as they are', () => {
  for (const error of [errno('EIO'), new TypeError('x'), new KhError('cancelled', 'x'), 'text']) {
    assert.equal(asCacheError(error, '/c'), error);
  }
});
