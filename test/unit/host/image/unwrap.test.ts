import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { unwrapModule } from '../../../../host/src/image/unwrap.js';

const plain = Buffer.from('\x7fELF and so on');

test('unwrapModule leaves a plain module alone and undoes gzip', async () => {
  assert.equal(await unwrapModule(plain), plain);
  assert.ok(plain.equals(await unwrapModule(gzipSync(plain))));
  assert.equal((await unwrapModule(new Uint8Array(0))).length, 0);
});

for (const [name, magic] of [
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['lz4', [0x04, 0x22, 0x4d, 0x18]],
  ['lz4', [0x02, 0x21, 0x4c, 0x18]],
  ['bzip2', [0x42, 0x5a, 0x68]],
] as const) {
  test(`unwrapModule names ${name} (${magic[0]}) and refuses it`, async () => {
    const expected = { code: 'archive-refused', details: { reason: 'compressed-module', actual: name } };
    await assert.rejects(unwrapModule(Buffer.from([...magic, 1, 2, 3])), expected);
  });
}

test('unwrapModule refuses wrong gzip', async () => {
  const packed = gzipSync(plain);
  const expected = { code: 'archive-corrupt', details: { reason: 'damaged' } };
  await assert.rejects(unwrapModule(packed.subarray(0, -3)), expected);
  packed[12] = (packed[12] ?? 0) ^ 0xff;
  await assert.rejects(unwrapModule(packed), expected);
});

test('unwrapModule refuses gzip that grows beyond all measure', async () => {
  const expected = { code: 'archive-refused', details: { reason: 'file-size' } };
  await assert.rejects(unwrapModule(gzipSync(Buffer.alloc(257 << 20), { level: 1 })), expected);
});
