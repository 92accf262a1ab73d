import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { makeContext } from '../../../../host/src/core/context.js';
import { KhError } from '../../../../host/src/core/error.js';
import { unwrap } from '../../../../host/src/image/unwrap.js';
import { compressXz, makeRandom } from '../../../support/archives.js';

const ctx = makeContext();
const has = (program: string): boolean => spawnSync(program, ['--version']).error === undefined;
const through =
  (program: string, ...options: string[]) =>
  (plain: Buffer) =>
    execFileSync(program, [...options, '-c'], { input: plain, maxBuffer: 1 << 30, stdio: ['pipe', 'pipe', 'ignore'] });

/** Each compression by the program that people and the kernel's makefiles use. */
const compressions = [
  { name: 'gzip', program: 'gzip', pack: (plain: Buffer) => gzipSync(plain) },
  { name: 'xz', program: 'xz', pack: (plain: Buffer) => compressXz(plain) },
  {
    name: 'xz as the kernel',
    program: 'xz',
    pack: (plain: Buffer) => compressXz(plain, '--check=crc32', '--x86', '--lzma2=dict=32MiB'),
  },
  { name: 'zstd', program: 'zstd', pack: through('zstd', '-1') },
  // The kernel's -22 has this window; all else of it is five times the work, and nothing to who unpacks.
  { name: 'zstd as the kernel', program: 'zstd', pack: through('zstd', '-19', '--ultra', '--zstd=wlog=27') },
  { name: 'zstd without a checksum', program: 'zstd', pack: through('zstd', '--no-check') },
  { name: 'lz4', program: 'lz4', pack: through('lz4') },
  { name: 'lz4, linked blocks', program: 'lz4', pack: through('lz4', '-9', '-BD', '-BX', '-B4') },
  { name: 'lz4 legacy', program: 'lz4', pack: through('lz4', '-l', '-9') },
] as const;

/** Text that compresses, then bytes that do not, more than one block of each format. */
const random = makeRandom(11);
const plain = Buffer.concat([
  Buffer.from('\x7fELF and so on, '.repeat(600_000)),
  Buffer.from(Uint8Array.from({ length: 400_000 }, () => random(256))),
  Buffer.alloc(100_000),
]);

test('unwrap leaves a plain file alone', async () => {
  assert.equal(await unwrap(plain, ctx), plain);
  assert.equal((await unwrap(new Uint8Array(0), ctx)).length, 0);
});

for (const { name, program, pack } of compressions) {
  const skip = !has(program) && `this machine has no ${program}`;
  test(`unwrap undoes ${name}, with and without something behind it`, { skip }, async () => {
    for (const text of [plain, plain.subarray(0, 1), plain.subarray(0, 70_000)]) {
      const packed = pack(text);
      assert.ok(text.equals(await unwrap(packed, ctx)));
      // The kernel appends the plain size to some, and people append device trees.
      const size = Buffer.alloc(4);
      size.writeUInt32LE(text.length);
      assert.ok(text.equals(await unwrap(Buffer.concat([packed, size]), ctx)));
      assert.ok(
        text.equals(await unwrap(Buffer.concat([packed, Buffer.from('\xd0\x0d\xfe\xed device tree', 'latin1')]), ctx)),
      );
    }
  });

  test(`unwrap of cut and of damaged ${name} ends in a code`, { skip }, async () => {
    const packed = pack(plain.subarray(-520_000));
    let refused = 0;
    const attempt = async (bytes: Uint8Array): Promise<void> => {
      try {
        await unwrap(bytes, ctx);
      } catch (error) {
        assert.ok(error instanceof KhError && /^archive-/.test(error.code), String(error));
        refused++;
      }
    };
    for (const keep of [6, 7, 8, 12, 20, 100, 1000, packed.length >> 1, packed.length - 1])
      await attempt(packed.subarray(0, keep));
    assert.equal(refused, 9, 'whatever is cut is refused');
    for (let round = 0; round < 60; round++) {
      const damaged = Buffer.from(packed);
      const within = round % 2 ? 64 : damaged.length;
      for (let change = 0; change <= random(4); change++) damaged[6 + random(within - 6)] = random(256);
      await attempt(damaged);
    }
    assert.ok(refused > 9 + 5, String(refused));
  });
}

for (const [name, magic] of [
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['lzma', [0x5d, 0x00, 0x00, 0x00]],
  ['lzo', [0x89, 0x4c, 0x5a, 0x4f]],
] as const) {
  test(`unwrap names ${name} and refuses it`, async () => {
    const expected = { code: 'archive-refused', details: { reason: 'compression', actual: name } };
    await assert.rejects(unwrap(Buffer.from([...magic, 1, 2, 3]), ctx), expected);
  });
}

test('unwrap refuses whatever grows beyond all measure', async () => {
  const expected = { code: 'archive-refused', details: { reason: 'file-size' } };
  const zeros = Buffer.alloc(5_000_001);
  await assert.rejects(unwrap(gzipSync(zeros), ctx, 5_000_000), expected);
  for (const [program, ...options] of [
    ['xz', '-0'],
    ['zstd', '-1'],
    ['lz4', '-1'],
    ['lz4', '-l'],
  ] as const) {
    if (!has(program)) continue;
    const packed = through(program, ...options)(zeros);
    await assert.rejects(unwrap(packed, ctx, 4_800_000), expected, program);
    assert.equal((await unwrap(packed, ctx, 5_300_000)).length, zeros.length);
  }
});

test('unwrap stops when the operation is cancelled', async () => {
  const cancelled = makeContext({ signal: AbortSignal.abort() });
  await assert.rejects(unwrap(compressXz(plain.subarray(-1000)), cancelled), { code: 'cancelled' });
});
