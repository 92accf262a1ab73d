import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { collectConfig } from '../../../../host/src/build/collect-config.js';
import type { EntryFacts } from '../../../../host/src/build/entry-facts.js';
import { parseAutoconfHeader } from '../../../../host/src/build/kernel-config.js';
import type { KernelVersion } from '../../../../host/src/build/kernel-version.js';
import { writeExtra } from '../../../../host/src/cache/extras.js';
import { type Cache, type Entry, cacheAt } from '../../../../host/src/cache/format.js';

const entry = { release: '6.1.25-android14-11', digest: '0123456789abcdef' } as Entry;
const header = '#define CONFIG_MODES 1\n#define CONFIG_NAME "a b"\n#define CONFIG_HID_MODULE 1\n';

function factsOf(version: KernelVersion): EntryFacts {
  return { config: parseAutoconfHeader(header), version } as EntryFacts;
}

async function openTestCache(t: TestContext): Promise<Cache> {
  const folder = await mkdtemp(join(tmpdir(), 'kheaders-config-'));
  t.after(() => rm(folder, { recursive: true }));
  return cacheAt(folder);
}

test('collectConfig takes autoconf.h where nothing better is known; strings as the version wants them', async (t) => {
  const cache = await openTestCache(t);
  assert.deepEqual(await collectConfig(cache, entry, factsOf([6, 1, 25])), {
    text: 'CONFIG_HID=m\nCONFIG_MODES=y\nCONFIG_NAME=a b\n',
    source: 'autoconf.h',
    differing: [],
    leftOut: [],
  });
  const before = await collectConfig(cache, entry, factsOf([5, 15, 0]));
  assert.match(before.text, /^CONFIG_NAME="a b"$/m);
});

test('collectConfig prefers the kernel’s own configuration, and says where the two differ', async (t) => {
  const cache = await openTestCache(t);
  const own = 'CONFIG_MODES=1\nCONFIG_NAME="a b"\nCONFIG_HID=y\nCONFIG_EVIL="$(shell id)"\n';
  await writeExtra(cache, entry, 'config.gz', gzipSync(own));
  assert.deepEqual(await collectConfig(cache, entry, factsOf([6, 1, 25])), {
    text: 'CONFIG_HID=y\nCONFIG_MODES=1\nCONFIG_NAME=a b\n',
    source: 'config.gz',
    differing: ['CONFIG_EVIL', 'CONFIG_HID'],
    leftOut: ['CONFIG_EVIL'],
  });
});

test('collectConfig refuses a damaged configuration', async (t) => {
  const cache = await openTestCache(t);
  await writeExtra(cache, entry, 'config.gz', Buffer.from('no gzip'));
  await assert.rejects(collectConfig(cache, entry, factsOf([6, 1, 25])), { code: 'cache-corrupt' });
});
