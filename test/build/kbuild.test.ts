import assert from 'node:assert/strict';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readModule } from '../../host/src/image/read-module.js';
import { exec } from '../phone/exec.js';
import { type Bench, compareVersions, openBench } from './build-test.js';

interface Record {
  readonly kbuild: { readonly kind: string; readonly match: string; readonly version: string };
  readonly parts: readonly { readonly part: string; readonly source: string }[];
}

async function readRecord(bench: Bench, ...args: string[]): Promise<Record> {
  const [line = ''] = await bench.lines('kdir', bench.release, ...args, '--json');
  return (JSON.parse(line) as { record: Record }).record;
}

test('kdir takes Debian’s packages as they are, programs included', async () => {
  const bench = await openBench('x86_64');
  const { assets, release } = bench;
  const symvers = join(assets.objects, 'Module.symvers');
  const record = await readRecord(bench, '--kbuild', assets.common, '--symvers', symvers);
  assert.equal(record.kbuild.kind, 'debian');
  const given = record.parts.filter(({ source }) => source === 'given from kbuild').map(({ part }) => part);
  const programs = ['scripts/basic/fixdep', 'scripts/mod/modpost', 'tools/objtool/objtool'];
  assert.deepEqual(given, [...programs, 'scripts/genksyms/genksyms', 'scripts/module.lds']);
  const module = await bench.copyModule('module');
  const [path = ''] = await bench.lines(
    'build',
    module,
    '--kernel',
    release,
    '--kbuild',
    assets.common,
    '--symvers',
    symvers,
  );
  const ko = readModule(await readFile(path));
  assert.equal(compareVersions(ko, await readFile(symvers, 'utf8')), ko.imports.length + 1);
});

test('kdir takes tarballs, unpacks them once, and no more of them than it needs', async () => {
  const bench = await openBench('arm64');
  const { folder, assets } = bench;
  const tree = join(folder, 'linux-6.1');
  await cp(assets.kernelSource, tree, { recursive: true });
  await mkdir(join(tree, 'drivers'));
  await writeFile(join(tree, 'drivers/Makefile'), 'not needed');
  for (const [name, option] of [
    ['linux.tar.xz', '-J'],
    ['linux.tar.gz', '-z'],
    ['linux.tar', ''],
  ] as const) {
    const file = join(folder, name);
    const made = await exec('tar', [...(option === '' ? [] : [option]), '-cf', file, '-C', folder, 'linux-6.1'], {
      timeoutMs: 60_000,
    });
    assert.equal(made.code, 0, made.stderr);
    const record = await readRecord(bench, '--kbuild', file);
    assert.equal(record.kbuild.kind, 'tarball');
    assert.ok(
      record.parts.some(({ part, source }) => part === 'scripts/mod/modpost' && source === 'built from kbuild'),
    );
  }
  const found = await exec('find', [join(folder, 'cache'), '-path', '*kbuild-*/*', '-name', 'drivers'], {
    timeoutMs: 10_000,
  });
  assert.equal(found.stdout, '');
});

test('kdir compares versions: another sublevel is said, another series refused unless allowed', async () => {
  const bench = await openBench('arm64');
  const { folder, assets, release } = bench;
  const tree = join(folder, 'linux');
  await cp(assets.kernelSource, tree, { recursive: true });
  const makefile = await readFile(join(tree, 'Makefile'), 'utf8');
  const kdir = (...args: string[]) => bench.kheaders('kdir', release, '--kbuild', tree, ...args);

  await writeFile(join(tree, 'Makefile'), makefile.replace(/^SUBLEVEL = .*$/m, 'SUBLEVEL = 1'));
  const series = await kdir();
  assert.equal(series.code, 0, series.stderr);
  assert.match(
    series.stderr,
    /of Linux 6\.1\.1, of the same series, but not of the same version as the headers \(6\.1\.\d+\)/,
  );

  await writeFile(join(tree, 'Makefile'), makefile.replace(/^PATCHLEVEL = .*$/m, 'PATCHLEVEL = 9'));
  const other = await kdir('--json');
  const { error } = JSON.parse(other.stdout) as { error: { code: string; details: { actual: string } } };
  assert.deepEqual([other.code, error.code], [71, 'kbuild-mismatch']);
  assert.match(error.details.actual, /^6\.9\./);
  const allowed = await kdir('--allow-mismatch');
  assert.equal(allowed.code, 0, allowed.stderr);
  assert.match(allowed.stderr, /of another series/);

  await rm(join(tree, 'scripts/Makefile.modpost'));
  const broken = await kdir('--json');
  assert.equal(broken.code, 70);
  assert.match(broken.stdout, /scripts\/Makefile\.modpost is not in it/);
});
