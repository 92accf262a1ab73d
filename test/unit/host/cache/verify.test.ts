import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { repairEntry, type Extract } from '../../../../host/src/cache/repair.js';
import { openCache, resolveEntry } from '../../../../host/src/cache/store.js';
import { verifyEntry } from '../../../../host/src/cache/verify.js';
import { isKhError } from '../../../../host/src/core/error.js';
import { deleteTree, temporaryDirectory } from '../../../support/temp.js';
import { extractFake, listeningContext, publishFake, release, silent } from './support/fixture.js';

const extract: Extract = (_archive, target) => extractFake('one', target);

/** Lets a test write into a published tree: root may anyway, others need w. */
async function unlock(path: string): Promise<string> {
  await chmod(dirname(path), 0o755);
  await chmod(path, 0o644).catch(() => undefined);
  return path;
}

async function overwrite(path: string, change: (content: string) => string): Promise<void> {
  const content = await readFile(await unlock(path), 'utf8');
  await writeFile(path, change(content));
  await chmod(path, 0o444);
  await chmod(dirname(path), dirname(path).includes('headers') ? 0o555 : 0o755);
}

const file = 'headers/include/d1/h,1.h';
const relink = async (path: string) => {
  await chmod(join(path, 'headers/include'), 0o755);
  await unlink(join(path, 'headers/include/asm'));
  await symlink('/etc', join(path, 'headers/include/asm'));
  await chmod(join(path, 'headers/include'), 0o555);
};
const damages: Readonly<Record<string, [(path: string) => Promise<unknown>, readonly string[]]>> = {
  'a changed byte': [(p) => overwrite(join(p, file), (text) => text.replace('1', '2')), [`content ${file}`]],
  'a longer file': [(p) => overwrite(join(p, file), (text) => `${text} `), [`content ${file}`]],
  'a missing file': [
    async (p) => {
      await rm(await unlock(join(p, file)));
      await chmod(dirname(join(p, file)), 0o555);
    },
    [`missing ${file}`],
  ],
  'an extra directory': [
    async (p) => {
      await chmod(join(p, 'headers'), 0o755);
      await mkdir(join(p, 'headers/new/sub'), { recursive: true });
    },
    ['extra headers/new'],
  ],
  'a directory for a file': [
    async (p) => {
      await rm(await unlock(join(p, file)));
      await mkdir(join(p, file, 'sub'), { recursive: true });
      await chmod(dirname(join(p, file)), 0o555);
    },
    [`kind ${file}`],
  ],
  'a link for a directory': [
    async (p) => {
      await unlock(join(p, 'headers/include/d0'));
      await rename(join(p, 'headers/include/d0'), join(p, 'elsewhere'));
      await symlink('../../elsewhere', join(p, 'headers/include/d0'));
      await chmod(join(p, 'headers/include'), 0o555);
    },
    ['kind headers/include/d0', ...[0, 10, 15, 5].map((n) => `missing headers/include/d0/h,${n}.h`)],
  ],
  'another target': [relink, ['target headers/include/asm']],
  'another mode': [(p) => chmod(join(p, file), 0o644), [`mode ${file}`]],
  'no tree': [(p) => deleteTree(join(p, 'headers')), ['missing (all)']],
  'a changed archive': [
    (p) => overwrite(join(p, 'kheaders.tar.xz'), (text) => text.replace('0', '1')),
    ['archive kheaders.tar.xz'],
  ],
  'no archive': [(p) => rm(join(p, 'kheaders.tar.xz')), ['archive kheaders.tar.xz']],
  'a changed list': [
    (p) => overwrite(join(p, 'tree.txt'), (text) => text.replace('h,1.h', 'h,1.c')),
    ['list tree.txt'],
  ],
  'rubbish for a list': [(p) => overwrite(join(p, 'tree.txt'), () => '\u0000'), ['list tree.txt']],
  'no list': [(p) => rm(join(p, 'tree.txt')), ['list tree.txt']],
};

for (const [what, [damage, expected]] of Object.entries(damages)) {
  test(`verifyEntry finds ${what}; repairEntry mends it or says it cannot`, async (t) => {
    const cache = await openCache(await temporaryDirectory(t));
    const entry = await publishFake(cache, 'one');
    assert.deepEqual(await verifyEntry(entry, silent), []);
    await damage(entry.path);
    const found = (await verifyEntry(entry, silent)).map(({ kind, path }) => `${kind} ${path}`);
    if (expected[0] === 'missing (all)') assert.ok(found.length > 20 && found.every((p) => p.startsWith('missing ')));
    else assert.deepEqual(found.sort(), [...expected].sort());
    if (found[0]?.startsWith('archive')) {
      await assert.rejects(repairEntry(cache, entry, extract, silent), { code: 'cache-corrupt' });
    } else {
      const mended = await repairEntry(cache, entry, extract, silent);
      assert.deepEqual(mended, entry);
      assert.deepEqual(await verifyEntry(await resolveEntry(cache, release), silent), []);
    }
    assert.deepEqual(await readdir(cache.tmp), []);
  });
}

test('verifyEntry reports its progress in bytes and stops when cancelled', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  const entry = await publishFake(cache, 'one');
  const ctx = listeningContext();
  await verifyEntry(entry, ctx);
  const { bytes } = entry.manifest.tree;
  assert.deepEqual(ctx.events.at(-1), { kind: 'progress', step: 'check', done: bytes, total: bytes });
  const cancelled = { ...silent, signal: AbortSignal.abort() };
  await assert.rejects(verifyEntry(entry, cancelled), (error) => isKhError(error, 'cancelled'));
});

test('repairEntry keeps the manifest byte by byte', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  const entry = await publishFake(cache, 'one');
  const before = await readFile(join(entry.path, 'manifest.json'));
  await repairEntry(cache, entry, extract, silent);
  assert.deepEqual(await readFile(join(entry.path, 'manifest.json')), before);
});

test('repairEntry leaves the entry alone if the archive gives another tree or cannot be extracted', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  const entry = await publishFake(cache, 'one');
  const other: Extract = (_archive, target) => extractFake('two', target);
  await assert.rejects(repairEntry(cache, entry, other, silent), { code: 'cache-corrupt' });
  const failure = new Error('no');
  await assert.rejects(
    repairEntry(cache, entry, () => Promise.reject(failure), silent),
    failure,
  );
  assert.deepEqual(await verifyEntry(entry, silent), []);
  assert.deepEqual(await readdir(cache.tmp), []);
});
