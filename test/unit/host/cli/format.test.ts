import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatBytes, formatTable, parseBytes, parseDuration } from '../../../../host/src/cli/format.js';

test('formatBytes: three digits and a unit, never four', () => {
  const table: readonly [number, string][] = [
    [0, '0 B'],
    [0.4, '0 B'],
    [999, '999 B'],
    [999.6, '1.00 kB'],
    [1000, '1.00 kB'],
    [4_021_000, '4.02 MB'],
    [99_950, '100 kB'],
    [999_499, '999 kB'],
    [999_500, '1.00 MB'],
    [31e9, '31.0 GB'],
    [5e12, '5.00 TB'],
  ];
  for (const [bytes, text] of table) assert.equal(formatBytes(bytes), text, String(bytes));
});

test('parseBytes takes what people type', () => {
  const table: readonly [string, number | undefined][] = [
    ['1048576', 1_048_576],
    ['500M', 5e8],
    ['500MB', 5e8],
    ['500mb', 5e8],
    ['2GiB', 2 ** 31],
    ['2Gi', 2 ** 31],
    ['1.5k', 1500],
    ['10 MB', 1e7],
    ['0', 0],
    ['', undefined],
    ['M', undefined],
    ['-1', undefined],
    ['1e9', undefined],
    ['1x', undefined],
    ['1.', undefined],
    ['1 M B', undefined],
    ['i', undefined],
    ['1i', undefined],
  ];
  for (const [text, bytes] of table) assert.equal(parseBytes(text), bytes, text);
});

test('parseDuration takes one number and one unit', () => {
  const table: readonly [string, number | undefined][] = [
    ['45s', 45_000],
    ['90m', 5_400_000],
    ['12h', 43_200_000],
    ['30d', 2_592_000_000],
    ['2w', 1_209_600_000],
    ['0.5h', 1_800_000],
    ['0s', 0],
    ['', undefined],
    ['5', undefined],
    ['d', undefined],
    ['1D', undefined],
    ['1y', undefined],
    ['-1d', undefined],
    ['1d2h', undefined],
    ['1 d', undefined],
  ];
  for (const [text, milliseconds] of table) assert.equal(parseDuration(text), milliseconds, text);
});

test('formatTable aligns columns, two spaces apart, without blanks at the end', () => {
  assert.deepEqual(formatTable([['A', 'LONG', 'C'], ['long', 'b', ''], ['x']]), ['A     LONG  C', 'long  b', 'x']);
  assert.deepEqual(formatTable([]), []);
});
