import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeFrame, frameHeader, frameMagic, payloadLimit, putHeader } from '../../../../shared/src/agent/frame.js';
import { formatMessage, parseHex, toMessage } from '../../../golden/plain.js';
import { goldenMessages } from '../../../golden/agent-messages.js';
import { readGolden } from '../../../golden/read-golden.js';

const golden = new Map(readGolden().map(({ key, frame }) => [key, Buffer.from(frame).toString('hex')]));

test('encodeFrame gives the golden bytes', () => {
  for (const { key, plain, frame } of readGolden()) {
    assert.equal(Buffer.from(encodeFrame(toMessage(plain))).toString('hex'), Buffer.from(frame).toString('hex'), key);
  }
});

/** Worked out on paper from docs/PROTOCOL.md: length, tag, id, then the fields. */
const byHand: Readonly<Record<string, readonly string[]>> = {
  done: ['00000000', '49', '0e000000'],
  cancel: ['04000000', '0c', '0f000000', '06000000'],
  'log-largest': ['0a000000', '08', '0c000000', 'ffffffffffff1f00', '01', '00'],
  'read-high': ['0e000000', '06', '08000000', '01000000' + '2f', '0000000001000000', '00'],
  'data-magic': ['11000000', '44', '08000000', '6b686561646572732d6167656e740a' + '00ff'],
  'end-empty': ['08000000', '45', '07000000', '0000000000000000'],
  'error-first': ['0d000000', '4a', '00000000', '00', '00000000', '00000000', '00000000'],
  'released-none': ['09000000', '43', '06000000', '00', '00000000', '00000000'],
  'lease-many': [
    ...['2d000000', '04', '04000000'],
    ...['01000000' + '6d', '01000000' + '72'],
    ...['03000000', '00000000', '00000000', '00000000'],
    ...['01000000', '00000000'],
    ...['00000000', '02000000' + 'c3b1', '01'],
  ],
};

test('encodeFrame gives what is worked out by hand', () => {
  for (const [key, parts] of Object.entries(byHand)) {
    assert.equal(golden.get(key), parts.join(''), `${key}.bin`);
    assert.equal(Buffer.from(encodeFrame(toMessage(goldenMessages[key]!))).toString('hex'), parts.join(''), key);
  }
});

test('encodeFrame puts the largest payload into a frame and nothing larger', () => {
  const bytes = new Uint8Array(payloadLimit);
  const frame = encodeFrame({ name: 'data', id: 1, body: { bytes } });
  assert.equal(frame.length, frameHeader + 131_072);
  assert.equal(Buffer.from(frame.subarray(0, 9)).toString('hex'), '000002004401000000');
  assert.throws(() => encodeFrame({ name: 'data', id: 1, body: { bytes: new Uint8Array(payloadLimit + 1) } }), {
    code: 'bad-frame',
    message: 'a payload of 131073 bytes',
  });
  const text = '€'.repeat(20_000);
  const body = { code: 'io', errno: 1, path: text, detail: text } as const;
  assert.equal(encodeFrame({ name: 'error', id: 1, body }).length, 9 + 1 + 4 + 2 * 60_004);
  assert.throws(() => encodeFrame({ name: 'found', id: 1, body: { live: [], modules: manyFiles(text, 3) } }), {
    code: 'bad-frame',
  });
});

function manyFiles(path: string, length: number): { path: string; readable: boolean }[] {
  return Array.from({ length }, () => ({ path, readable: true }));
}

test('putHeader writes into the first bytes of its part of a buffer', () => {
  const whole = Buffer.alloc(16, 0xee);
  const frame = whole.subarray(3);
  assert.equal(putHeader(frame, 4, 68, 0x01020304), frame);
  assert.equal(whole.toString('hex'), 'eeeeee' + '04000000' + '44' + '04030201' + 'eeeeeeee');
  assert.throws(() => putHeader(frame, payloadLimit + 1, 68, 0), { code: 'bad-frame' });
});

test('frameMagic is a line of text whose first letter it has once', () => {
  assert.match(frameMagic, /^[a-z-]+\n$/);
  assert.equal(frameMagic.lastIndexOf(frameMagic[0]!), 0);
});

test('formatMessage tells messages apart and takes a Buffer for the bytes that it is', () => {
  const texts = Object.values(goldenMessages).map((plain) => formatMessage(toMessage(plain)));
  assert.equal(new Set(texts).size, texts.length);
  for (const bytes of [Buffer.from('ab'), parseHex('61 62')])
    assert.equal(
      formatMessage({ name: 'data', id: 1, body: { bytes } }),
      '{"name":"data","id":1,"body":{"bytes":{"hex":"6162"}}}',
    );
  for (const bad of ['0', '0g', 'AB', '61 6']) assert.throws(() => parseHex(bad), TypeError, bad);
});
