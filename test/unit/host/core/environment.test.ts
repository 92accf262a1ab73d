import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { describeCaller } from '../../../../host/src/core/environment.js';

test('describeCaller: user, host and process in plain letters, short', () => {
  const text = describeCaller();
  assert.match(text, /^[\x21-\x7e]{1,40}@[\x21-\x7e]{1,40} pid \d+$/);
  assert.ok(text.endsWith(` pid ${process.pid}`));
  assert.ok(text.length <= 100);
  if (/^[\x21-\x7e]{1,40}$/.test(hostname())) assert.ok(text.includes(`@${hostname()} `));
});
