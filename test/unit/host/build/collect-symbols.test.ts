import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { collectSymbols } from '../../../../host/src/build/collect-symbols.js';
import { writeExtra } from '../../../../host/src/cache/extras.js';
import { type Entry, cacheAt } from '../../../../host/src/cache/format.js';
import { makeContext } from '../../../../host/src/core/context.js';
import { formatSymbolTables } from '../../../../host/src/image/symbol-tables.js';
import { banner, buildKernel, cannotBuild, makeSymbols } from '../../../support/kernel-image.js';

const folder = await mkdtemp(join(tmpdir(), 'kheaders-symbols-'));
after(() => rm(folder, { recursive: true }));
const headers = join(folder, 'headers');
await mkdir(join(headers, 'include/generated'), { recursive: true });
await writeFile(join(headers, 'include/generated/autoconf.h'), '#define CONFIG_SMP 1\n');
const cache = cacheAt(join(folder, 'cache'));

function entryOf(procVersion?: string, layout = 'headers'): Entry {
  const manifest = { layout, provenance: { procVersion } };
  return { release: '6.1.25-android14-11', digest: '0123456789abcdef', headers, manifest } as unknown as Entry;
}

async function writeImage(name: string, parts: { banner?: string; config?: string }): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, buildKernel({ banner, symbols: makeSymbols(), ...parts }).vmlinux);
  return path;
}

const collect = (entry: Entry, image: string) => collectSymbols(cache, entry, { image }, makeContext());
const mismatch = (reason: string) => (error: { code?: string; details?: { reason?: string } }) =>
  error.code === 'release-mismatch' && error.details?.reason === reason;

test('collectSymbols takes an image of this very kernel alone', { skip: cannotBuild }, async () => {
  const good = await writeImage('good', { config: 'CONFIG_SMP=y\n' });
  for (const entry of [entryOf(), entryOf(`${banner}\n`)]) {
    const [table] = await collect(entry, good);
    assert.deepEqual(
      [table?.source.kind, table?.source.path, table?.symbols.length],
      ['image', good, makeSymbols().length],
    );
  }
  await assert.rejects(collect(entryOf(banner.replace('#1 ', '#2 ')), good), mismatch('image-banner'));
  const other = await writeImage('other', { banner: banner.replace('6.1.25-android14-11', '6.1.25-android14-12') });
  await assert.rejects(collect(entryOf(), other), mismatch('image-banner'));
  const options = await writeImage('options', { config: 'CONFIG_SMP=y\nCONFIG_KASAN=y\n' });
  await assert.rejects(collect(entryOf(), options), mismatch('image-options'));
});

test('collectSymbols puts together what was given and what is beside the entry', async () => {
  const path = join(folder, 'Module.symvers');
  await writeFile(path, '0x00000001\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n');
  const beside = {
    source: { kind: 'imports' as const, path: '/vendor/a.ko' },
    complete: false,
    symbols: [{ name: 'b', crc: 2 }],
  };
  await writeExtra(cache, entryOf(), 'symbols.json', Buffer.from(formatSymbolTables([beside])));
  const tables = await collectSymbols(cache, entryOf(undefined, 'legacy'), { symvers: path }, makeContext());
  assert.deepEqual(
    tables.map(({ source }) => source.kind),
    ['symvers', 'imports'],
  );
  const missing = { symvers: join(folder, 'nowhere') };
  await assert.rejects(collectSymbols(cache, entryOf(), missing, makeContext()), { code: 'usage' });
});
