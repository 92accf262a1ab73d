import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { readExtra } from '../../../../host/src/cache/extras.js';
import { type Cache, type Entry, cacheAt } from '../../../../host/src/cache/format.js';
import { makeContext } from '../../../../host/src/core/context.js';
import { KhError } from '../../../../host/src/core/error.js';
import type { Event } from '../../../../host/src/core/events.js';
import { parseSymbolTables } from '../../../../host/src/image/symbol-tables.js';
import { importFile } from '../../../../host/src/pull/import-file.js';
import { archive, release } from '../../../fault/support/phone-script.js';
import { compressXz, makeRandom, makeTar } from '../../../support/archives.js';
import {
  type KernelParts,
  banner,
  buildKernel,
  cannotBuild as skip,
  makeBootImage,
  makeSymbols,
} from '../../../support/kernel-image.js';
import { makeModule } from '../../../support/session.js';
import { temporaryDirectory } from '../../../support/temp.js';

const whole: KernelParts = { banner, archive, config: 'CONFIG_IKHEADERS=y\n', symbols: makeSymbols() };

interface Imported {
  readonly entry: Entry;
  readonly cache: Cache;
  readonly path: string;
  readonly events: readonly Event[];
}

async function importBytes(t: TestContext, name: string, bytes: Uint8Array): Promise<Imported> {
  const folder = await temporaryDirectory(t);
  const path = join(folder, name);
  const cache = cacheAt(join(folder, 'cache'));
  const events: Event[] = [];
  await writeFile(path, bytes);
  const entry = await importFile(cache, path, makeContext({ onEvent: (event) => events.push(event) }));
  return { entry, cache, path, events };
}

test('importFile takes a boot.img: archive, configuration and symbols', { skip }, async (t) => {
  const { image } = buildKernel(whole);
  const { entry, cache, path } = await importBytes(t, 'boot.img', makeBootImage(2, gzipSync(image)));
  assert.equal(entry.release, release);
  assert.ok(archive.equals(await readFile(join(entry.path, 'kheaders.tar.xz'))));
  const { source } = entry.manifest;
  assert.deepEqual(source, { kind: 'file', filePath: path, carvedFrom: 'boot.img v2, gzip, Image', banner });
  assert.equal(gunzipSync((await readExtra(cache, entry, 'config.gz'))!).toString(), whole.config);
  const [table, ...more] = parseSymbolTables((await readExtra(cache, entry, 'symbols.json'))!.toString());
  assert.deepEqual(more, []);
  assert.equal(table?.symbols.length, makeSymbols().length);
  assert.deepEqual([table.source.kind, table.source.path, table.complete], ['image', path, true]);
});

test('importFile of the same image again keeps one table', { skip }, async (t) => {
  const { image } = buildKernel(whole);
  const { cache, path, entry } = await importBytes(t, 'Image', image);
  await importFile(cache, path, makeContext());
  assert.equal(parseSymbolTables((await readExtra(cache, entry, 'symbols.json'))!.toString()).length, 1);
});

test('importFile tells an xz archive from a compressed image or module', { skip }, async (t) => {
  const { image, vmlinux } = buildKernel(whole);
  for (const [name, bytes, carvedFrom] of [
    ['kheaders.tar.xz', archive, undefined],
    ['Image.xz', compressXz(image), 'xz, Image'],
    ['vmlinux', vmlinux, 'vmlinux'],
    ['kheaders.ko', makeModule(archive, release), 'kernel module'],
    ['kheaders.ko.xz', compressXz(makeModule(archive, release)), 'xz, kernel module'],
  ] as const) {
    const { entry } = await importBytes(t, name, bytes);
    assert.equal(entry.manifest.source.carvedFrom, carvedFrom, name);
    assert.equal(entry.release, release, name);
  }
});

test('importFile goes on without symbols it cannot tell, and says so', { skip }, async (t) => {
  const { entry, cache, events } = await importBytes(t, 'Image', buildKernel({ banner, archive }).image);
  assert.equal(await readExtra(cache, entry, 'symbols.json'), undefined);
  assert.ok(events.some((event) => event.kind === 'warning' && event.warning === 'skipped'));
});

const other = { reason: 'image-headers', expected: '6.1.26-other', actual: release };

test('importFile refuses headers that are of another kernel than the image or the module', { skip }, async (t) => {
  const { image } = buildKernel({ ...whole, banner: banner.replace(release, '6.1.26-other') });
  for (const [name, bytes] of [
    ['Image', image],
    ['kheaders.ko', makeModule(archive, '6.1.26-other')],
  ] as const) {
    await assert.rejects(importBytes(t, name, bytes), (error) => {
      assert.ok(error instanceof KhError && error.code === 'release-mismatch');
      const { path, ...details } = error.details;
      assert.ok(path?.endsWith(name));
      assert.deepEqual(details, other);
      return true;
    });
  }
});

test('importFile refuses what holds no headers, with the file', { skip }, async (t) => {
  const tarless = buildKernel({ banner, archive: compressXz(Buffer.alloc(4096)) });
  for (const [name, bytes, code] of [
    ['Image', buildKernel({ banner }).image, 'archive-refused'],
    ['Image', tarless.image, 'archive-refused'],
    ['vmlinux', tarless.vmlinux, 'archive-refused'],
    ['boot.img', makeBootImage(4, Buffer.alloc(0)), 'archive-corrupt'],
    ['Image.gz', gzipSync(Buffer.from('text')), 'archive-refused'],
    ['kheaders.ko', makeModule(Buffer.from('nothing'), release), 'archive-corrupt'],
    ['text', Buffer.from('nothing'), 'archive-corrupt'],
    ['Image', buildKernel({ banner, archive: compressXz(makeTar([])) }).image, 'archive-refused'],
  ] as const) {
    await assert.rejects(importBytes(t, name, bytes), (error) => error instanceof KhError && error.code === code, name);
  }
});

test('importFile: 30 damaged images are refused with a code, or give the very archive', { skip }, async (t) => {
  const { vmlinux, image } = buildKernel(whole);
  const random = makeRandom(21);
  const made = [vmlinux, image, makeBootImage(3, gzipSync(image))];
  let refused = 0;
  for (let round = 0; round < 30; round++) {
    const damaged = Buffer.from(made[round % 3]!);
    for (let change = 0; change < 30; change++) damaged[random(round % 2 ? damaged.length : 4096)] = random(256);
    try {
      const { entry } = await importBytes(t, 'file', damaged);
      assert.ok(archive.equals(await readFile(join(entry.path, 'kheaders.tar.xz'))));
    } catch (error) {
      assert.ok(error instanceof KhError && /^(archive-|release-)/.test(error.code), String(error));
      refused++;
    }
  }
  assert.ok(refused > 10, String(refused));
});
