import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Field,
  Reader,
  Writer,
  flag,
  list,
  oneOf,
  record,
  rest,
  text,
  u32,
  u64,
  u8,
} from '../../../../shared/src/agent/fields.js';

function write<T>(field: Field<T>, value: T): string {
  const writer = new Writer();
  field.write(writer, value);
  return Buffer.from(writer.bytes()).toString('hex');
}

function read<T>(field: Field<T>, hex: string): T {
  const reader = new Reader(Buffer.from(hex, 'hex'));
  const value = field.read(reader);
  reader.end();
  return value;
}

/** Each value becomes these bytes and comes back. */
function assertBothWays<T>(field: Field<T>, table: readonly (readonly [T, string])[]): void {
  for (const [value, hex] of table) {
    assert.equal(write(field, value), hex);
    assert.deepEqual(read(field, hex), value);
  }
}

function refuses<T>(field: Field<T>, hex: string, message: string): void {
  assert.throws(() => read(field, hex), { name: 'WireError', code: 'bad-message', message }, hex);
}

test('u8 and u32 are little-endian', () => {
  assertBothWays(u8, [
    [0, '00'],
    [255, 'ff'],
  ]);
  assertBothWays(u32, [
    [0, '00000000'],
    [0x01020304, '04030201'],
    [4294967295, 'ffffffff'],
  ]);
  refuses(u8, '', 'a value is cut off');
  refuses(u32, '010203', 'a value is cut off');
});

test('u64 takes whole numbers that JavaScript can tell apart', () => {
  assertBothWays(u64, [
    [0, '0000000000000000'],
    [4294967295, 'ffffffff00000000'],
    [4294967296, '0000000001000000'],
    [0x0102030405060, '6050403020100000'],
    [Number.MAX_SAFE_INTEGER, 'ffffffffffff1f00'],
  ]);
  for (const hex of ['0000000000002000', '0100000000002000', 'ffffffffffffff7f', 'ffffffffffffffff'])
    refuses(u64, hex, 'a number above 2^53 - 1');
  refuses(u64, '00000000000000', 'a value is cut off');
});

test('flag is 0 or 1', () => {
  assertBothWays(flag, [
    [false, '00'],
    [true, '01'],
  ]);
  for (const hex of ['02', '80', 'ff']) refuses(flag, hex, 'neither true nor false');
});

test('text is its length in bytes and UTF-8', () => {
  assertBothWays(text, [
    ['', '00000000'],
    ['a', '0100000061'],
    ['ß€', '05000000c39fe282ac'],
    ['📱\0', '05000000f09f93b100'],
    ['\ufeff', '03000000efbbbf'],
  ]);
  refuses(text, '0200000061', 'a value is cut off');
  refuses(text, '02000000c3', 'a value is cut off');
  refuses(text, '01000000c3', 'text that is not UTF-8');
  refuses(text, '02000000c080', 'text that is not UTF-8');
  refuses(text, '03000000eda080', 'text that is not UTF-8');
});

test('text is read up to 64 KiB and no further', () => {
  const longest = Buffer.alloc(65_536, 'a');
  const length = Buffer.alloc(4);
  length.writeUInt32LE(longest.length);
  assert.equal(read(text, length.toString('hex') + longest.toString('hex')), longest.toString());
  refuses(text, '00000100', 'a value is cut off');
  refuses(text, '01000100', 'text of 65537 bytes');
  refuses(text, 'ffffffff', 'text of 4294967295 bytes');
});

test('text that is too long is cut so that the other end takes it', () => {
  for (const character of ['a', '€', '📱', '\ud800']) {
    const value = read(text, write(text, character.repeat(100_000)));
    assert.ok(value.length >= 21_844 && value.length <= 21_845, `${character}: ${value.length}`);
    assert.ok(Buffer.byteLength(value) <= 65_536);
  }
  assert.equal(read(text, write(text, 'a'.repeat(21_845))).length, 21_845);
});

test('rest takes every byte that is left', () => {
  const field = record({ first: u8, bytes: rest });
  assert.equal(write(field, { first: 1, bytes: Uint8Array.of(2, 3) }), '010203');
  assert.deepEqual([...read(field, '010203').bytes], [2, 3]);
  assert.deepEqual([...read(field, '01').bytes], []);
});

test('list is a count and its values', () => {
  assertBothWays(list(u8), [
    [[], '00000000'],
    [[1, 2], '020000000102'],
  ]);
  assertBothWays(list(text), [[['', 'a'], '02000000000000000100000061']]);
  assertBothWays(list(list(u8)), [[[[], [7]], '02000000000000000100000007']]);
});

test('list believes no count that the bytes do not bear out', () => {
  let reads = 0;
  const counting: Field<number> = {
    write: (writer, value) => u8.write(writer, value),
    read(reader) {
      reads += 1;
      return u8.read(reader);
    },
  };
  refuses(list(counting), '001000000102', 'a value is cut off');
  assert.equal(reads, 3);
  refuses(list(counting), '011000000102', 'a list of 4097');
  refuses(list(counting), 'ffffffff0102', 'a list of 4294967295');
  assert.equal(reads, 3, 'nothing is read of a list that is too long');
});

test('list has room for 4096, or for its own limit', () => {
  const many = Array.from({ length: 5000 }, () => 7);
  assert.equal(read(list(u8), write(list(u8), many)).length, 4096);
  assert.deepEqual(read(list(u8, 2), write(list(u8, 2), [1, 2, 3])), [1, 2]);
  refuses(list(u8, 2), '03000000010203', 'a list of 3');
});

test('oneOf is the place in the list of words', () => {
  assertBothWays<'a' | 'b'>(oneOf(['a', 'b']), [
    ['a', '00'],
    ['b', '01'],
  ]);
  for (const hex of ['02', 'ff']) refuses(oneOf(['a', 'b']), hex, 'a word that is not in the list');
});

test('record is its values in the order given, whatever the order of the value', () => {
  const field = record({ b: u8, a: text });
  assert.equal(write(field, { a: 'x', b: 1 }), '010100000078');
  assert.deepEqual(Object.keys(read(field, '010100000078')), ['b', 'a']);
  assert.equal(write(record({}), {}), '');
  refuses(field, '0101000000', 'a value is cut off');
  refuses(field, '01010000007800', '1 bytes too many');
});

test('Writer grows and keeps what it has', () => {
  const writer = new Writer();
  for (let at = 0; at < 300; at += 1) u8.write(writer, at & 0xff);
  writer.append(Buffer.alloc(100_000, 1));
  u32.write(writer, 5);
  const bytes = writer.bytes();
  assert.equal(bytes.length, 100_304);
  assert.deepEqual([...bytes.subarray(254, 258)], [254, 255, 0, 1]);
  assert.equal(bytes[100_299], 1);
  assert.deepEqual([...bytes.subarray(100_300)], [5, 0, 0, 0]);
});

test('Reader looks at its part of a buffer only', () => {
  const whole = Buffer.from([9, 9, 1, 2, 3, 4, 9, 9]);
  const reader = new Reader(whole.subarray(2, 6));
  assert.equal(reader.u32(), 0x04030201);
  reader.end();
  assert.throws(() => reader.take(1), { code: 'bad-message', message: 'a value is cut off' });
  assert.throws(() => new Reader(whole.subarray(2, 6)).end(), { code: 'bad-message', message: '4 bytes too many' });
});
