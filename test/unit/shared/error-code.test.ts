import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorCodes } from '../../../shared/src/error-code.js';

test('errorCodes are distinct words that scripts can compare', () => {
  assert.equal(new Set(errorCodes).size, errorCodes.length);
  for (const code of errorCodes) assert.match(code, /^[a-z]+(-[a-z]+)*$/);
});
