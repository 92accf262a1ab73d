import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  findByIdentity,
  forgetEntry,
  identityPath,
  recordIdentity,
} from '../../../../host/src/cache/identity-index.js';
import { openCache } from '../../../../host/src/cache/store.js';
import { removeTree } from '../../../../host/src/cache/files.js';
import { temporaryDirectory } from '../../../support/temp.js';
import { identity, listeningContext, publishFake, release, seeded, silent } from './support/fixture.js';

test('findByIdentity finds what recordIdentity noted, for exactly that kernel', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  const entry = await publishFake(cache, 'one');
  await recordIdentity(cache, identity, entry, silent);
  assert.deepEqual(await findByIdentity(cache, identity), entry);
  assert.equal(await findByIdentity(cache, { ...identity, procVersion: 'other' }), undefined);
  assert.equal(await findByIdentity(cache, { ...identity, fingerprint: '' }), undefined);
  const text = await readFile(identityPath(cache, identity), 'utf8');
  assert.equal(text, `{"schema":1,"release":"${release}","digest":"${entry.digest}"}\n`);
  assert.deepEqual(await readdir(cache.tmp), []);
});

test('findByIdentity forgets an entry that was deleted behind its back', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  const entry = await publishFake(cache, 'one');
  await recordIdentity(cache, identity, entry, silent);
  await removeTree(entry.path);
  assert.equal(await findByIdentity(cache, identity), undefined);
  assert.deepEqual(await readdir(cache.identities), []);
});

test('findByIdentity forgets an entry that is damaged', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  const entry = await publishFake(cache, 'one');
  await recordIdentity(cache, identity, entry, silent);
  await rm(join(entry.path, 'manifest.json'));
  assert.equal(await findByIdentity(cache, identity), undefined);
  assert.deepEqual(await readdir(cache.identities), []);
});

test('findByIdentity refuses a record of another release, and all hostile ones', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  const entry = await publishFake(cache, 'one');
  const other = { ...identity, release: '6.6.0' };
  const good = JSON.stringify({ schema: 1, release, digest: entry.digest });
  const digest = '0123456789abcdef';
  const texts = ['', 'x', 'null', '[]', '"a"', good.replace('1', '2'), good.repeat(100), '{"schema":1}'];
  const hostile = [
    JSON.stringify({ schema: 1, release: '../..', digest }),
    JSON.stringify({ schema: 1, release, digest }),
  ];
  for (const text of [...texts, ...hostile]) {
    await writeFile(identityPath(cache, identity), text);
    assert.equal(await findByIdentity(cache, identity), undefined, text);
    assert.deepEqual(await readdir(cache.identities), []);
  }
  await writeFile(identityPath(cache, other), good);
  assert.equal(await findByIdentity(cache, other), undefined);
  assert.deepEqual(await readdir(cache.identities), []);
});

test('findByIdentity gives the entry or nothing for 200 damaged records', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  const entry = await publishFake(cache, 'one');
  const random = seeded(3);
  await recordIdentity(cache, identity, entry, silent);
  const file = identityPath(cache, identity);
  const text = await readFile(file, 'utf8');
  for (let n = 0; n < 200; n++) {
    const at = Math.floor(random() * text.length);
    await writeFile(file, text.slice(0, at) + String.fromCharCode(Math.floor(random() * 128)) + text.slice(at + 1));
    const found = await findByIdentity(cache, identity);
    assert.ok(found === undefined || found.path === entry.path);
  }
});

test('recordIdentity only warns when it fails', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  const entry = await publishFake(cache, 'one');
  await removeTree(cache.identities);
  await writeFile(cache.identities, '');
  const ctx = listeningContext();
  await recordIdentity(cache, identity, entry, ctx);
  assert.deepEqual(
    ctx.events.map((event) => event.kind === 'warning' && event.warning),
    ['identity-index'],
  );
  assert.deepEqual(await readdir(cache.tmp), []);
});

test('forgetEntry removes the records of one entry and unreadable ones', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  const [one, two] = [await publishFake(cache, 'one'), await publishFake(cache, 'two')];
  const other = { ...identity, machine: 'x86_64' };
  await recordIdentity(cache, identity, one, silent);
  await recordIdentity(cache, other, two, silent);
  await writeFile(join(cache.identities, 'rubbish.json'), '{');
  await forgetEntry(cache, one);
  assert.equal((await readdir(cache.identities)).length, 1);
  assert.deepEqual(await findByIdentity(cache, other), two);
});
