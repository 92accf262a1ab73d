import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { makeContext } from '../../../host/src/core/context.js';
import { isKhError } from '../../../host/src/core/error.js';
import { findBanner } from '../../../host/src/image/banner.js';
import { carveImage } from '../../../host/src/image/carve-image.js';
import { readImageSymbols } from '../../../host/src/image/image-symbols.js';
import { openKernelImage } from '../../../host/src/image/kernel-image.js';
import { readModule } from '../../../host/src/image/read-module.js';
import { parseSymbolTables } from '../../../host/src/image/symbol-tables.js';
import { parseSymvers } from '../../../host/src/image/symvers.js';
import { unwrap } from '../../../host/src/image/unwrap.js';
import { type Assets, findAssets } from '../assets.js';
import { type HeaderVersion, makeBootImage } from '../boot-image.js';
import { exec } from '../exec.js';
import type { Arch, Pages } from '../options.js';
import { phoneTest, useAdbServer } from './phone-test.js';

useAdbServer();

const ctx = makeContext();
const assetsOf = (arch: Arch, pages: Pages): Promise<Assets> =>
  findAssets({ arch, pages, layout: 'sys', kernel: 'debian' }, () => undefined);

/** Debian's own list of what the kernel and its modules export. */
async function readSymvers({ kernel }: Assets): Promise<ReturnType<typeof parseSymvers>> {
  return parseSymvers(await readFile(join(dirname(kernel), 'objects', 'Module.symvers'), 'utf8'), { path: 'symvers' });
}

for (const [arch, pages] of [
  ['x86_64', '4k'],
  ['arm64', '4k'],
  ['arm64', '16k'],
] as const) {
  test(`readImageSymbols, readModule: ${arch} ${pages}, not one difference from Module.symvers`, async (t) => {
    const assets = await assetsOf(arch, pages);
    const tables = await readSymvers(assets);
    const vmlinux = tables.find(({ exporter }) => exporter === 'vmlinux')!;
    const byName = (symbols: readonly { readonly name: string }[]) =>
      [...symbols].sort((a, b) => (a.name < b.name ? -1 : 1));
    // The boot partition of a phone: the same kernel in a boot.img.
    for (const path of [assets.kernel, assets.bootImage]) {
      const image = await openKernelImage(await readFile(path), ctx);
      assert.equal(findBanner(image.bytes)?.release, assets.release);
      const { symbols, complete } = readImageSymbols(image, { path });
      assert.deepEqual(byName(symbols), byName(vmlinux.symbols));
      assert.equal(complete, true);
      t.diagnostic(`${image.layers.join(', ')}: ${symbols.length} symbols, 0 differences`);
    }
    const known = new Map(tables.flatMap(({ symbols }) => symbols.map((symbol) => [symbol.name, symbol])));
    const counts = await compareModules(join(dirname(assets.kernel), 'modules/'), known);
    t.diagnostic(`${counts.modules} modules: ${counts.versions} CRCs, ${counts.exports} exports, 0 differences`);
    assert.ok(counts.modules > 20 && counts.versions > 500 && counts.exports > 20);
  });
}

/** Every fortieth module of a kernel: what it was built against and what it exports are what Module.symvers says. */
async function compareModules(folder: string, known: ReadonlyMap<string, object & { readonly crc?: number }>) {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.ko(\.xz)?$/.test(name));
  const counts = { modules: 0, versions: 0, exports: 0 };
  for (const file of files.sort().filter((_, index) => index % 40 === 0)) {
    const module = readModule(await unwrap(readFileSync(join(folder, file)), ctx));
    assert.ok(module.versions, file);
    for (const [name, crc] of module.versions) assert.equal(known.get(name)?.crc, crc, `${file}: ${name}`);
    for (const { name } of module.imports) assert.ok(module.versions.has(name), `${file}: ${name}`);
    for (const symbol of module.exports) assert.deepEqual(symbol, known.get(symbol.name), file);
    counts.modules += 1;
    counts.versions += module.versions.size;
    counts.exports += module.exports.length;
  }
  return counts;
}

const through = async (folder: string, bytes: Buffer, program: string, ...options: string[]): Promise<Buffer> => {
  const path = join(folder, 'plain');
  await writeFile(path, bytes);
  const packed = await exec('sh', ['-c', 'exec "$@" < "$0" > "$0.packed"', path, program, ...options, '-c']);
  assert.equal(packed.code, 0, packed.stderr);
  return readFile(`${path}.packed`);
};

/** Where the kernels of these architectures are linked, and what links for them. */
const linkers = {
  x86_64: ['ld', '-Ttext-segment=0xffffffff81000000'],
  arm64: ['aarch64-linux-gnu-ld', '-Ttext-segment=0xffffffc008000000'],
} as const;

/** A linked kernel of one object: kheaders. What it calls is not there, which matters to nobody who does not run it. */
async function linkVmlinux(arch: Arch, koPath: string, folder: string): Promise<Buffer> {
  const [program, segment] = linkers[arch];
  const path = join(folder, 'vmlinux');
  const options = ['--noinhibit-exec', '--unresolved-symbols=ignore-all', '-e', '0', segment];
  await exec(program, [...options, '-o', path, koPath]);
  return readFile(path);
}

/** What scripts/sign-file appends: PKCS#7, struct module_signature, the magic. */
function sign(module: Buffer): Buffer {
  const pkcs7 = Buffer.alloc(683, 0x30);
  const info = Buffer.alloc(12);
  info.writeUInt8(2, 2);
  info.writeUInt32BE(pkcs7.length, 8);
  return Buffer.concat([module, pkcs7, info, Buffer.from('~Module signature appended~\n')]);
}

test('carveImage: the real archive comes out of every kind of file byte for byte', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'kheaders-images-'));
  t.after(() => rm(folder, { recursive: true }));
  const { archivePath, koPath, kernel } = await assetsOf('arm64', '4k');
  const [archive, module, debian] = await Promise.all([archivePath!, koPath!, kernel].map((path) => readFile(path)));
  // Debian's kernel has no archive: it is put behind its last byte, where .rodata could be as well.
  const image = Buffer.concat([debian!, archive!, Buffer.alloc(4096)]);
  const pack = (bytes: Buffer, ...command: [string, ...string[]]) => through(folder, bytes, ...command);
  const [gz, lz4] = [await pack(image, 'gzip', '-1'), await pack(image, 'lz4', '-l', '-1')];
  const boot = (header: HeaderVersion, bytes: Buffer): Buffer => makeBootImage({ header, kernel: bytes });
  const files: Readonly<Record<string, Buffer>> = {
    'kheaders.ko': module!,
    'kheaders.ko, signed': sign(module!),
    'kheaders.ko.xz': await pack(sign(module!), 'xz', '-0', '--check=crc32'),
    'kheaders.ko.zst': await pack(sign(module!), 'zstd', '-3'),
    vmlinux: await linkVmlinux('arm64', koPath!, folder),
    'vmlinux of x86_64': await linkVmlinux('x86_64', (await assetsOf('x86_64', '4k')).koPath!, folder),
    Image: image,
    'Image.gz': gz,
    'Image.lz4': lz4,
    'Image.zst': await pack(image, 'zstd', '-3'),
    'boot.img v0': boot(0, Buffer.concat([gz, Buffer.from('d00dfeed00000000', 'hex')])),
    'boot.img v2': boot(2, gz),
    'boot.img v3': boot(3, lz4),
    'boot.img v4': boot(4, image),
  };
  for (const [name, bytes] of Object.entries(files)) {
    const expected = name.endsWith('x86_64') ? await readFile((await assetsOf('x86_64', '4k')).archivePath!) : archive!;
    const carved = await carveImage(await openKernelImage(bytes, ctx), ctx);
    assert.ok(expected.equals(carved), name);
  }
  for (const bytes of [debian!, image.subarray(0, debian!.length + 1_000_000), boot(4, debian!)]) {
    await assert.rejects(
      async () => carveImage(await openKernelImage(bytes, ctx), ctx),
      (error) => isKhError(error) && /^archive-(refused|corrupt)$/.test(error.code),
    );
  }
});

phoneTest('pull --from-image takes an image of the very kernel, and no other', { arch: 'arm64' }, async (bench) => {
  const { phone, kheaders, folder } = bench;
  const { kernel } = await assetsOf('arm64', '4k');
  const [archive, debian] = [await readFile(phone.archivePath!), await readFile(kernel)];
  const path = join(folder, 'boot.img');
  const place = (image: Buffer): Promise<void> => writeFile(path, makeBootImage({ header: 4, kernel: image }));

  const other = Buffer.concat([debian, archive]);
  for (let at = other.indexOf('#1 SMP'); at >= 0; at = other.indexOf('#1 SMP', at)) other.write('#2', at);
  await place(other);
  const refused = await kheaders('pull', '--from-image', path);
  assert.equal(refused.code, 32, refused.stderr);
  const version = (await phone.root(bench.server, 'cat /proc/version')).stdout.trim();
  assert.ok(refused.stderr.includes(`/proc/version: ${version}\n`), refused.stderr);
  assert.ok(refused.stderr.includes(`The image: ${version.replace('#1 SMP', '#2 SMP')}\n`), refused.stderr);

  await place(Buffer.concat([debian, archive]));
  const pulled = await kheaders('pull', '--from-image', path, '--json');
  assert.equal(pulled.code, 0, pulled.stderr);
  const json = JSON.parse(pulled.stdout) as Record<string, any>;
  assert.deepEqual([json['how'], json['release']], ['image', phone.release]);
  assert.ok(archive.equals(await readFile(join(json['path'] as string, 'kheaders.tar.xz'))));
  const extras = join(bench.cache, 'v1', 'extras', phone.release, json['digest'] as string, 'symbols.json');
  const [table] = parseSymbolTables(await readFile(extras, 'utf8'));
  assert.equal(table?.symbols.length, (await readSymvers(await assetsOf('arm64', '4k')))[0]?.symbols.length);
  // That very kernel is known now: the phone's own module has nothing to add.
  const again = await kheaders('pull', '--json');
  assert.equal((JSON.parse(again.stdout) as Record<string, any>)['how'], 'cached');
});
