import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printable } from '../../../../host/src/core/printable.js';

test('printable leaves plain text alone', () => {
  assert.equal(printable('include/uapi/linux/é,ü.h'), 'include/uapi/linux/é,ü.h');
});

test('printable shows what a terminal would act on', () => {
  assert.equal(printable('a\x1b[31m\n\t\x7f\x9b'), 'a\\x1b[31m\\x0a\\x09\\x7f\\x9b');
  assert.equal(printable('\u202egpj.exe\u2066\u2028\ud800'), '\\u{202e}gpj.exe\\u{2066}\\u{2028}\\u{d800}');
});

test('printable is unambiguous: a backslash is doubled', () => {
  assert.equal(printable('\\x1b'), '\\\\x1b');
});

test('printable cuts long text between characters', () => {
  assert.equal(printable('x'.repeat(300)), `${'x'.repeat(200)}…`);
  assert.equal(printable('abc\n', 5), 'abc…');
});
