import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeUtf8, encodeUtf8 } from '../../../../shared/src/agent/utf8.js';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeStrictly(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

test('encodeUtf8 and decodeUtf8 agree with TextEncoder on every character', () => {
  const encoder = new TextEncoder();
  for (let first = 0; first <= 0x10ffff; first += 0x400) {
    if (first >= 0xd800 && first < 0xe000) continue;
    const text = String.fromCodePoint(...Array.from({ length: 0x400 }, (_none, at) => first + at));
    const bytes = encodeUtf8(text);
    assert.ok(Buffer.from(encoder.encode(text)).equals(bytes), `from U+${first.toString(16)}`);
    assert.equal(decodeUtf8(bytes), text);
  }
});

test('encodeUtf8 writes U+FFFD for half of a pair', () => {
  for (const text of ['\ud800', '\udfff', 'a\ud83d', '\ud83dz', '\udcf1\ud83d', '\ud83d\ud83d\udcf1', '\ud800\ue000']) {
    assert.deepEqual(encodeUtf8(text), new TextEncoder().encode(text), JSON.stringify(text));
  }
  assert.equal(decodeUtf8(encodeUtf8('a\ud83d')), 'a\ufffd');
});

test('encodeUtf8 makes exactly as many bytes as it takes', () => {
  for (const [text, hex] of [
    ['', ''],
    ['\0', '00'],
    ['ß', 'c39f'],
    ['€', 'e282ac'],
    ['📱', 'f09f93b1'],
    ['\ufeffa', 'efbbbf61'],
  ] as const) {
    const bytes = encodeUtf8(text);
    assert.equal(Buffer.from(bytes).toString('hex'), hex);
    assert.equal(bytes.buffer.byteLength, bytes.length);
  }
});

test('decodeUtf8 takes and refuses every two bytes as a strict TextDecoder does', () => {
  for (let pair = 0; pair < 0x10000; pair += 1) {
    const bytes = Uint8Array.of(pair >> 8, pair & 0xff);
    assert.equal(decodeUtf8(bytes), decodeStrictly(bytes), pair.toString(16));
  }
});

test('decodeUtf8 takes and refuses three and four bytes as a strict TextDecoder does', () => {
  const seconds = [0x00, 0x61, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xe0, 0xff];
  const others = [0x00, 0x61, 0x7f, 0x80, 0xbf, 0xc0, 0xf0, 0xff];
  for (let first = 0xc0; first <= 0xff; first += 1) {
    for (const second of seconds) {
      for (const third of others) {
        for (const rest of [[], ...others.map((fourth) => [fourth])]) {
          const bytes = Uint8Array.of(first, second, third, ...rest);
          assert.equal(decodeUtf8(bytes), decodeStrictly(bytes), Buffer.from(bytes).toString('hex'));
        }
      }
    }
  }
});

test('decodeUtf8 replaces each byte that is no character where it may', () => {
  for (const [hex, text] of [
    ['', ''],
    ['61ff62', 'a\ufffdb'],
    ['c3', '\ufffd'],
    ['e28261', '\ufffd\ufffda'],
    ['eda080', '\ufffd\ufffd\ufffd'],
    ['c39fc0afe282ac', 'ß\ufffd\ufffd€'],
    ['f4908080', '\ufffd\ufffd\ufffd\ufffd'],
  ] as const) {
    assert.equal(decodeUtf8(Buffer.from(hex, 'hex'), true), text, hex);
  }
});

test('decodeUtf8 reads its part of a buffer only', () => {
  const whole = Buffer.from('xxé€xx');
  assert.equal(decodeUtf8(whole.subarray(2, 7)), 'é€');
  assert.equal(decodeUtf8(whole.subarray(2, 6)), undefined, 'the byte that is missing is behind the part');
});
