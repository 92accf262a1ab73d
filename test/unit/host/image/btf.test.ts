import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKhError } from '../../../../host/src/core/error.js';
import { assertBtf } from '../../../../host/src/image/btf.js';

/** One type of 12 bytes and the names "", "int". */
function makeBtf(change: (view: DataView) => void = () => undefined): Uint8Array {
  const bytes = new Uint8Array(24 + 12 + 5);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0xeb9f, true);
  view.setUint8(2, 1);
  for (const [at, value] of [
    [4, 24],
    [8, 0],
    [12, 12],
    [16, 12],
    [20, 5],
  ] as const)
    view.setUint32(at, value, true);
  bytes.set(new TextEncoder().encode('int'), 37);
  change(view);
  return bytes;
}

function refused(bytes: Uint8Array): string | undefined {
  try {
    assertBtf(bytes);
    return undefined;
  } catch (error) {
    assert.ok(isKhError(error, 'device-failed'));
    return error.details.reason;
  }
}

test('assertBtf takes a whole BTF, also as a part of a larger buffer', () => {
  assert.equal(refused(makeBtf()), undefined);
  const larger = new Uint8Array(100);
  larger.set(makeBtf(), 7);
  assert.equal(refused(larger.subarray(7, 7 + 41)), undefined);
});

test('assertBtf names what is wrong', () => {
  const table: readonly (readonly [RegExp, (view: DataView) => void])[] = [
    [/magic/, (view) => view.setUint16(0, 0x9feb, true)],
    [/version/, (view) => view.setUint8(2, 2)],
    [/header/, (view) => view.setUint32(4, 23, true)],
    [/header/, (view) => view.setUint32(4, 0xffffffff, true)],
    [/types/, (view) => view.setUint32(12, 16 + 4, true)],
    [/types/, (view) => view.setUint32(12, 11, true)],
    [/types/, (view) => view.setUint32(12, 0, true)],
    [/types/, (view) => view.setUint32(8, 0xfffffffc, true)],
    [/names leave/, (view) => view.setUint32(20, 6, true)],
    [/names leave/, (view) => view.setUint32(20, 0, true)],
    [/names leave/, (view) => view.setUint32(16, 0xffffffff, true)],
    [/names are not ended/, (view) => view.setUint8(40, 0x78)],
    [/names are not ended/, (view) => view.setUint8(36, 0x78)],
  ];
  for (const [reason, change] of table) assert.match(refused(makeBtf(change)) ?? 'taken', reason);
  assert.match(refused(makeBtf().subarray(0, 23)) ?? 'taken', /shorter/);
  assert.match(refused(new Uint8Array(0)) ?? 'taken', /shorter/);
});
