import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { errorCodes } from '../../../../shared/src/error-code.js';
import { exitCodeOf, exitCodes } from '../../../../host/src/cli/exit-codes.js';
import { KhError } from '../../../../host/src/core/error.js';

test('exitCodes gives every error code a number of its own, none of them taken by the shell or by success', () => {
  assert.deepEqual(Object.keys(exitCodes).sort(), [...errorCodes].sort());
  const numbers = Object.values(exitCodes);
  assert.equal(new Set(numbers).size, errorCodes.length);
  for (const number of numbers) assert.ok(number === 130 || (number >= 2 && number < 126), String(number));
});

test('exitCodeOf: the code’s number, 1 for what was not foreseen', () => {
  assert.equal(exitCodeOf(new KhError('not-cached', 'x')), 42);
  for (const error of [new Error('x'), new TypeError('x'), 'x', undefined]) assert.equal(exitCodeOf(error), 1);
});

test('exitCodes is the table in docs/exit-codes.md, line for line', async () => {
  const text = await readFile(new URL('../../../../docs/exit-codes.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\|\s*`?([a-z-]+)`?\s*\|\s*(\d+)\s*\|/gm)].map(([, code, exit]) => [
    code,
    Number(exit),
  ]);
  const known = new Set<string>(errorCodes);
  const listed = rows.filter(([code]) => known.has(String(code)));
  assert.equal(listed.length, errorCodes.length, 'one row for each code');
  assert.deepEqual(Object.fromEntries(listed), exitCodes);
  const others = rows.filter(([code]) => !known.has(String(code))).map(([code]) => code);
  for (const code of others)
    assert.ok(['ok', 'success', 'internal'].includes(String(code)), `no such code: ${String(code)}`);
});
