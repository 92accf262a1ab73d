import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTransferNotes } from '../../../../host/src/device/transfer-notes.js';

test('parseTransferNotes tells our lines from those of the programs', () => {
  const stderr =
    'cat: gone\nkheaders-note read=1\nkheaders-note unload=failed\nnoise kheaders-note unload=ok\nkheaders-note detail=rmmod: a=b\nkheaders-note after= x y\n';
  assert.deepEqual(parseTransferNotes(stderr), {
    unload: 'failed',
    detail: 'rmmod: a=b',
    readError: 1,
    after: ['x', 'y'],
    output: 'cat: gone\nnoise kheaders-note unload=ok',
  });
});

test('parseTransferNotes takes CRLF, the last word on a subject, and no word at all', () => {
  const { unload, after } = parseTransferNotes(
    'kheaders-note unload=ok\r\nkheaders-note after=a b\r\nkheaders-note unload=gone\r\n',
  );
  assert.deepEqual([unload, after], ['gone', ['a', 'b']]);
  assert.deepEqual(parseTransferNotes(''), { unload: 'none', detail: '', after: [], output: '' });
});

test('parseTransferNotes: an outcome that does not exist is none', () => {
  for (const word of ['', 'perhaps', 'OK', '__proto__']) {
    assert.equal(parseTransferNotes(`kheaders-note unload=${word}\n`).unload, 'none');
  }
});
