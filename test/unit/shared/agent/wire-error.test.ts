import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WireError, wireCodes } from '../../../../shared/src/agent/wire-error.js';

test('wireCodes are distinct words', () => {
  assert.equal(new Set(wireCodes).size, wireCodes.length);
  for (const code of wireCodes) assert.match(code, /^[a-z]+(-[a-z]+)*$/);
});

test('WireError has a code and a name of its own', () => {
  const error = new WireError('bad-frame', 'what');
  assert.ok(error instanceof Error);
  assert.equal(String(error), 'WireError: what');
  assert.equal(error.code, 'bad-frame');
});
