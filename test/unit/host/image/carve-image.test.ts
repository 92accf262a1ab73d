import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { decodeXz } from '../../../../host/src/archive/xz.js';
import { makeContext } from '../../../../host/src/core/context.js';
import { KhError } from '../../../../host/src/core/error.js';
import { carveImage } from '../../../../host/src/image/carve-image.js';
import { openKernelImage } from '../../../../host/src/image/kernel-image.js';
import { chunksOf, compressXz, file as plainFile, makeRandom, makeTar, smallTree } from '../../../support/archives.js';
import {
  banner,
  buildKernel,
  cannotBuild as skip,
  makeBootImage,
  makeBzImage,
  makeSymbols,
} from '../../../support/kernel-image.js';

const ctx = makeContext();
const archive = compressXz(makeTar(smallTree));
/** An xz stream that is no archive, in front of it, as the kernel's own tests have one. */
const decoy = Buffer.concat([
  compressXz(Buffer.from('not a tar, but long enough to be looked at. '.repeat(20))),
  archive,
]);
const kernel = skip
  ? undefined!
  : buildKernel({ banner, config: 'CONFIG_IKHEADERS=y\n', archive, symbols: makeSymbols() });

const has = (program: string): boolean => spawnSync(program, ['--version']).error === undefined;
const pack =
  (program: string, ...options: string[]) =>
  (plain: Buffer) =>
    execFileSync(program, [...options, '-c'], { input: plain, maxBuffer: 1 << 30, stdio: ['pipe', 'pipe', 'ignore'] });

async function carve(file: Uint8Array): Promise<Uint8Array> {
  return carveImage(await openKernelImage(file, ctx), ctx);
}

/** How each file is made, what it needs, and what openKernelImage() has to say of it. */
const files: readonly (readonly [string, string | undefined, () => Buffer, readonly string[]])[] = [
  ['vmlinux', undefined, () => kernel.vmlinux, ['vmlinux']],
  ['vmlinux without symbols', undefined, () => kernel.stripped, ['vmlinux']],
  ['Image', undefined, () => kernel.image, ['Image']],
  ['Image.gz', undefined, () => gzipSync(kernel.image), ['gzip', 'Image']],
  ['Image.lz4', 'lz4', () => pack('lz4', '-l', '-9')(kernel.image), ['lz4', 'Image']],
  ['Image.zst', 'zstd', () => pack('zstd', '-19')(kernel.image), ['zstd', 'Image']],
  ['Image.xz', undefined, () => compressXz(kernel.image, '--check=crc32'), ['xz', 'Image']],
  [
    'Image.gz-dtb',
    undefined,
    () => Buffer.concat([gzipSync(kernel.image), Buffer.from('\xd0\x0d\xfe\xed and so on', 'latin1')]),
    ['gzip', 'Image'],
  ],
  ['bzImage', undefined, () => makeBzImage(gzipSync(kernel.stripped)), ['bzImage', 'gzip', 'vmlinux']],
  ['boot.img v0', undefined, () => makeBootImage(0, gzipSync(kernel.image)), ['boot.img v0', 'gzip', 'Image']],
  ['boot.img v1', undefined, () => makeBootImage(1, kernel.image, 2048), ['boot.img v1', 'Image']],
  ['boot.img v2', undefined, () => makeBootImage(2, gzipSync(kernel.image)), ['boot.img v2', 'gzip', 'Image']],
  ['boot.img v3', 'lz4', () => makeBootImage(3, pack('lz4', '-l')(kernel.image)), ['boot.img v3', 'lz4', 'Image']],
  ['boot.img v4', undefined, () => makeBootImage(4, kernel.image), ['boot.img v4', 'Image']],
  [
    'boot.img of x86',
    undefined,
    () => makeBootImage(4, makeBzImage(gzipSync(kernel.stripped))),
    ['boot.img v4', 'bzImage', 'gzip', 'vmlinux'],
  ],
];

for (const [name, program, make, layers] of files) {
  const lacking = skip || (program !== undefined && !has(program) && `this machine has no ${program}`);
  test(`carveImage cuts the archive out of ${name}, byte for byte`, { skip: lacking }, async () => {
    const image = await openKernelImage(make(), ctx);
    assert.deepEqual(image.layers, layers);
    assert.ok(archive.equals(await carveImage(image, ctx)));
  });
}

test('carveImage passes over xz streams that are no archive', { skip }, async () => {
  const { image } = buildKernel({ archive: decoy });
  assert.ok(archive.equals(await carve(image)));
});

const refused = (code: string, reason: string) => (error: unknown) =>
  error instanceof KhError && error.code === code && error.details.reason === reason;

test('carveImage refuses an image without headers, and says what its configuration says', { skip }, async () => {
  const without = buildKernel({ banner, symbols: makeSymbols() });
  for (const file of [without.vmlinux, without.image, gzipSync(without.image), makeBootImage(4, without.image)]) {
    await assert.rejects(carve(file), refused('archive-refused', 'no-headers'));
  }
  const { image } = buildKernel({ config: 'CONFIG_A=y\n# CONFIG_IKHEADERS is not set\n' });
  const details = { reason: 'no-headers', configLine: '# CONFIG_IKHEADERS is not set' };
  await assert.rejects(carve(image), { code: 'archive-refused', details });
});

test('carveImage says that an archive in an image is damaged', { skip }, async () => {
  const random = makeRandom(1);
  const content = Buffer.from(Uint8Array.from({ length: 400_000 }, () => random(256)));
  const large = compressXz(makeTar([...smallTree, plainFile('./large', content)]));
  const damaged = buildKernel({ archive: large }).image;
  const at = damaged.indexOf(large) + 300_000;
  damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at);
  await assert.rejects(carve(damaged), { code: 'archive-corrupt' });
});

for (const [name, file, reason] of [
  ['boot.img of an unknown version', () => changeWord(makeBootImage(4, archive), 40, 5), 'boot-header'],
  ['boot.img with impossible pages', () => changeWord(makeBootImage(2, archive), 36, 3000), 'boot-header'],
  ['boot.img without a kernel', () => changeWord(makeBootImage(4, archive), 8, 0), 'boot-no-kernel'],
  ['boot.img cut in its kernel', () => makeBootImage(4, Buffer.alloc(9000)).subarray(0, 9000), 'boot-truncated'],
  ['boot.img cut in its header', () => makeBootImage(0, archive).subarray(0, 40), 'boot-truncated'],
  ['bzImage whose kernel is beyond its end', () => changeWord(makeBzImage(archive), 0x24c, 1 << 30), 'payload-bounds'],
  ['bzImage of 2007', () => changeWord(makeBzImage(archive), 0x206, 0x0206), 'bz-protocol'],
  ['ELF file cut', () => kernel.vmlinux.subarray(0, 5000), 'elf-truncated'],
] as const) {
  test(`openKernelImage refuses a ${name}: ${reason}`, { skip }, async () => {
    await assert.rejects(openKernelImage(file(), ctx), refused('archive-corrupt', reason));
  });
}

test('openKernelImage takes a boot.img of Qualcomm, with the size of a device tree for a version', async () => {
  const image = await openKernelImage(changeWord(makeBootImage(0, Buffer.from('a kernel')), 40, 0x3e000), ctx);
  assert.deepEqual(image.layers, ['boot.img v0', 'Image']);
  assert.equal(Buffer.from(image.bytes).toString(), 'a kernel');
});

test('openKernelImage does not unwrap for ever', async () => {
  let file: Buffer = Buffer.from('kernel');
  for (let depth = 0; depth < 6; depth++) file = gzipSync(file);
  assert.equal((await openKernelImage(file, ctx)).layers.length, 7);
  await assert.rejects(openKernelImage(gzipSync(file), ctx), refused('archive-corrupt', 'layers'));
});

function changeWord(file: Buffer, at: number, value: number): Buffer {
  file.writeUInt32LE(value, at);
  return file;
}

/** True for the very archive; what was carved otherwise must not pass the decoder, or hold what it held. */
async function isWhole(carved: Uint8Array): Promise<boolean> {
  for await (const _ of decodeXz(chunksOf(Buffer.from(carved)), { memoryLimit: 1 << 27 }, ctx));
  return archive.equals(carved);
}

test('carveImage: 1,000 damaged and 100 cut files end in a code or give the very archive', { skip }, async () => {
  const random = makeRandom(9);
  const made = files.filter(([, program]) => program === undefined || has(program)).map(([, , make]) => make());
  let failures = 0;
  const attempt = async (file: Uint8Array, round: number): Promise<void> => {
    try {
      assert.ok(await isWhole(await carve(file)), `round ${round}`);
    } catch (error) {
      assert.ok(error instanceof KhError && /^archive-/.test(error.code), `round ${round}: ${String(error)}`);
      failures++;
    }
  };
  const before = process.memoryUsage().rss;
  for (let round = 0; round < 1000; round++) {
    const damaged = Buffer.from(made[round % made.length]!);
    // Headers, the archive itself, or anywhere.
    const within = [Math.min(4096, damaged.length), damaged.length, damaged.length][round % 3]!;
    for (let change = 0; change <= random(4); change++) damaged[random(within)] = random(4) === 0 ? 255 : random(256);
    await attempt(damaged, round);
  }
  for (let round = 0; round < 100; round++) {
    const file = made[round % made.length]!;
    await attempt(file.subarray(0, random(file.length)), 1000 + round);
  }
  assert.ok(failures > 300, String(failures));
  // The decoders' own buffers may come to some ten megabytes; a leak of one image a round would be a hundred.
  assert.ok(process.memoryUsage().rss - before < 300e6, 'memory grows');
});
