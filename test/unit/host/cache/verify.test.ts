import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { getuid } from 'node:process';
import { test } from 'node:test';
import { publish } from '../../../../host/src/cache/publish.js';
import { repairEntry, type Extract } from '../../../../host/src/cache/repair.js';
import { openStaging } from '../../../../host/src/cache/staging.js';
import { openCache, resolveEntry } from '../../../../host/src/cache/store.js';
import { verifyEntry, type WalkArchive } from '../../../../host/src/cache/verify.js';
import { isKhError } from '../../../../host/src/core/error.js';
import type { TreeVisitor } from '../../../../host/src/core/tree.js';
import { removeTree } from '../../../../host/src/cache/files.js';
import { temporaryDirectory } from '../../../support/temp.js';
import {
  extractFake,
  fillStaging,
  listeningContext,
  nobody,
  openToOthers,
  publishFake,
  release,
  runChild,
  silent,
  walkFake,
} from './support/fixture.js';

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

/** Works in an open directory, which is closed again. */
async function inside(directory: string, work: () => Promise<unknown>): Promise<void> {
  await chmod(directory, 0o755);
  await work();
  await chmod(directory, 0o555);
}

const file = 'headers/include/d1/h,1.h';
const d0 = 'headers/include/d0';
const belowD0 = [0, 10, 15, 5].map((n) => `missing ${d0}/h,${n}.h`);

/** Puts a link in the place of d0, whose content goes to `elsewhere` beside headers/. */
async function linkDirectory(entry: string, target: string): Promise<void> {
  await chmod(join(entry, d0), 0o755);
  await inside(join(entry, 'headers/include'), async () => {
    await rename(join(entry, d0), join(entry, 'elsewhere'));
    await symlink(target, join(entry, d0));
  });
}

/** What verifyEntry() finds after a damage, in the order of the paths. */
const damages: Readonly<Record<string, [(path: string) => Promise<unknown>, readonly string[]]>> = {
  'a changed byte': [(p) => overwrite(join(p, file), (text) => text.replace('1', '2')), [`content ${file}`]],
  'a longer file': [(p) => overwrite(join(p, file), (text) => `${text} `), [`content ${file}`]],
  'a shorter file': [(p) => overwrite(join(p, file), (text) => text.slice(0, -1)), [`content ${file}`]],
  'a missing file': [(p) => inside(dirname(join(p, file)), () => rm(join(p, file))), [`missing ${file}`]],
  'an extra file': [
    (p) => inside(dirname(join(p, file)), () => writeFile(join(p, 'headers/include/d1/new.h'), '')),
    ['extra headers/include/d1/new.h'],
  ],
  'an extra link': [
    (p) => inside(join(p, 'headers'), () => symlink('include', join(p, 'headers/new'))),
    ['extra headers/new'],
  ],
  'an extra directory': [
    (p) =>
      inside(join(p, 'headers'), async () => {
        await mkdir(join(p, 'headers/new/sub'), { recursive: true });
        await writeFile(join(p, 'headers/new/sub/x.h'), '');
      }),
    ['extra headers/new'],
  ],
  'a directory for a file': [
    (p) =>
      inside(dirname(join(p, file)), async () => {
        await rm(join(p, file));
        await mkdir(join(p, file, 'sub'), { recursive: true });
      }),
    [`kind ${file}`],
  ],
  'a link for a file': [
    (p) =>
      inside(dirname(join(p, file)), async () => {
        await rename(join(p, file), join(p, 'h,1.h'));
        await symlink('../../../h,1.h', join(p, file));
      }),
    [`kind ${file}`],
  ],
  'a file for a link': [
    (p) =>
      inside(join(p, 'headers/include'), async () => {
        await unlink(join(p, 'headers/include/asm'));
        await writeFile(join(p, 'headers/include/asm'), 'd0');
      }),
    ['kind headers/include/asm'],
  ],
  'a file for a directory': [
    (p) =>
      inside(join(p, 'headers/include'), async () => {
        await removeTree(join(p, d0));
        await writeFile(join(p, d0), '');
      }),
    [`kind ${d0}`, ...belowD0],
  ],
  'a link for a directory, to an empty one': [
    async (p) => {
      await mkdir(join(p, 'empty'));
      await linkDirectory(p, '../../empty');
    },
    [`kind ${d0}`, ...belowD0],
  ],
  'a link for a directory, to what it was and more': [
    async (p) => {
      await linkDirectory(p, '../../elsewhere');
      await writeFile(join(p, 'elsewhere/new.h'), '');
    },
    [`kind ${d0}`, ...belowD0],
  ],
  'another target': [
    (p) =>
      inside(join(p, 'headers/include'), async () => {
        await unlink(join(p, 'headers/include/asm'));
        await symlink('/etc', join(p, 'headers/include/asm'));
      }),
    ['target headers/include/asm'],
  ],
  'another mode': [(p) => chmod(join(p, file), 0o644), [`mode ${file}`]],
  'a program that cannot be run': [
    (p) => chmod(join(p, 'headers/include/run.sh'), 0o444),
    ['mode headers/include/run.sh'],
  ],
  'a file that can be run': [(p) => chmod(join(p, file), 0o555), [`mode ${file}`]],
  'a directory that can be written to': [(p) => chmod(join(p, d0), 0o755), [`mode ${d0}`]],
  'several things': [
    async (p) => {
      await chmod(join(p, 'headers/include/run.sh'), 0o755);
      await overwrite(join(p, file), () => '');
      await inside(join(p, 'headers'), () => mkdir(join(p, 'headers/a')));
      await inside(join(p, d0), () => rm(join(p, d0, 'h,5.h')));
    },
    ['extra headers/a', `missing ${d0}/h,5.h`, `content ${file}`, 'mode headers/include/run.sh'],
  ],
  'no tree': [(p) => removeTree(join(p, 'headers')), ['missing (all)']],
  'a changed archive': [
    (p) => overwrite(join(p, 'kheaders.tar.xz'), (text) => text.replace('0', '1')),
    ['archive kheaders.tar.xz'],
  ],
  'a longer archive': [(p) => overwrite(join(p, 'kheaders.tar.xz'), (text) => `${text} `), ['archive kheaders.tar.xz']],
  'no archive': [(p) => rm(join(p, 'kheaders.tar.xz')), ['archive kheaders.tar.xz']],
  'no archive and a tree that is damaged, too': [
    async (p) => {
      await rm(join(p, 'kheaders.tar.xz'));
      await overwrite(join(p, file), () => '');
    },
    ['archive kheaders.tar.xz'],
  ],
};

for (const [what, [damage, expected]] of Object.entries(damages)) {
  test(`verifyEntry finds ${what}; repairEntry mends it or says it cannot`, async (t) => {
    const cache = await openCache(await temporaryDirectory(t));
    const entry = await publishFake(cache, 'one');
    assert.deepEqual(await verifyEntry(entry, walkFake, silent), []);
    await damage(entry.path);
    const found = (await verifyEntry(entry, walkFake, silent)).map(({ kind, path }) => `${kind} ${path}`);
    if (expected[0] === 'missing (all)') {
      const { files, directories, symlinks } = entry.manifest.tree;
      assert.equal(found.length, files + directories + symlinks);
      assert.ok(found.every((problem) => problem.startsWith('missing headers/include')));
    } else assert.deepEqual(found, expected);
    if (found[0]?.startsWith('archive')) {
      await assert.rejects(repairEntry(cache, entry, extract, silent), { code: 'cache-corrupt' });
    } else {
      const mended = await repairEntry(cache, entry, extract, silent);
      assert.deepEqual(mended, entry);
      assert.deepEqual(await verifyEntry(await resolveEntry(cache, release), walkFake, silent), []);
    }
    assert.deepEqual(await readdir(cache.tmp), []);
  });
}

test('verifyEntry takes a file that cannot be read for another content', async (t) => {
  const root = await temporaryDirectory(t);
  const entry = await publishFake(await openCache(root), 'one');
  await chmod(join(entry.path, file), 0);
  await openToOthers(root);
  // Root may read everything.
  const { code, stdout, stderr } = await runChild([root, 'read', ''], getuid?.() === 0 ? nobody : undefined).ended;
  assert.equal(code, 0, stderr);
  assert.deepEqual((JSON.parse(stdout) as { problems: unknown }).problems, [{ kind: 'content', path: file }]);
});

test('verifyEntry opens no damaged archive, and lets through why a sound one cannot be read', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  const entry = await publishFake(cache, 'one');
  const failure = new Error('no');
  const walk: WalkArchive = () => Promise.reject(failure);
  await assert.rejects(verifyEntry(entry, walk, silent), failure);
  await overwrite(entry.archivePath, () => '');
  assert.deepEqual(await verifyEntry(entry, walk, silent), [{ kind: 'archive', path: 'kheaders.tar.xz' }]);
});

test('verifyEntry reports its progress once per mebibyte, and its end', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  await using staging = await openStaging(cache, silent);
  const { facts, tree } = await fillStaging(staging, 'one', 600);
  const entry = await publish(staging, facts, tree, silent);
  const ctx = listeningContext();
  assert.deepEqual(await verifyEntry(entry, walkFake, ctx), []);
  const { bytes: total } = entry.manifest.tree;
  assert.ok(total > 2 << 20);
  const done = ctx.events.map((event) => {
    assert.ok(event.kind === 'progress' && event.step === 'check' && event.total === total, JSON.stringify(event));
    return event.done;
  });
  assert.equal(done.pop(), total);
  assert.deepEqual(
    done.map((bytes) => bytes >> 20),
    Array.from({ length: total >> 20 }, (_, n) => n + 1),
  );
  assert.ok(done.every((bytes) => bytes <= total));
});

test('verifyEntry stops when cancelled, before or while the archive is read', async (t) => {
  const cache = await openCache(await temporaryDirectory(t));
  const entry = await publishFake(cache, 'one');
  const abort = new AbortController();
  const ctx = { ...silent, signal: abort.signal };
  let shown = 0;
  const walk: WalkArchive = (archivePath, visitor) => {
    const directory = (path: string) => {
      shown++;
      if (shown === 2) abort.abort();
      visitor.directory(path);
    };
    return walkFake(archivePath, { ...pass(visitor), directory });
  };
  await assert.rejects(verifyEntry(entry, walk, ctx), (error) => isKhError(error, 'cancelled'));
  assert.equal(shown, 2);
  await assert.rejects(verifyEntry(entry, walk, ctx), (error) => isKhError(error, 'cancelled'));
  assert.equal(shown, 2);
});

/** A visitor as an object of functions. */
function pass(visitor: TreeVisitor): TreeVisitor {
  return {
    directory: (path) => visitor.directory(path),
    file: (path, kind, content) => visitor.file(path, kind, content),
    symlink: (path, target) => visitor.symlink(path, target),
  };
}

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
  const other: Extract = (_archive, target) => extractFake('another', target);
  await assert.rejects(repairEntry(cache, entry, other, silent), { code: 'cache-corrupt' });
  const failure = new Error('no');
  await assert.rejects(
    repairEntry(cache, entry, () => Promise.reject(failure), silent),
    failure,
  );
  assert.deepEqual(await verifyEntry(entry, walkFake, silent), []);
  assert.deepEqual(await readdir(cache.tmp), []);
});
