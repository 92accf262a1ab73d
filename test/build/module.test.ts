import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readModule } from '../../host/src/image/read-module.js';
import { compareVersions, openBench, runScript } from './build-test.js';

for (const arch of ['x86_64', 'arm64'] as const) {
  const machine = arch === 'arm64' ? 183 : 62;

  test(`build and make -C KDIR give one module, with CRCs from the kernel’s image (${arch})`, async (t) => {
    const bench = await openBench(arch);
    const { release, assets } = bench;
    const module = await bench.copyModule('module');
    const options = ['--kbuild', assets.kernelSource, '--image', assets.vmlinuz];

    const [line = ''] = await bench.lines('build', module, '--kernel', release, ...options, '--json');
    const built = JSON.parse(line) as { path: string; vermagic: string; kdir: string; missingCrcs: string[] };
    const bytes = await readFile(built.path);
    const ko = readModule(bytes);
    assert.equal(ko.machine, machine);
    const theirs = await readFile(join(assets.objects, 'Module.symvers'), 'utf8');
    const equal = compareVersions(ko, theirs);
    t.diagnostic(`${arch}: ${ko.imports.length} imports, ${equal} CRCs equal to Debian's Module.symvers, 0 different`);
    assert.ok(ko.imports.length >= 20);
    for (const { name } of [...ko.imports, { name: 'module_layout' }]) assert.ok(ko.versions?.has(name), name);
    assert.deepEqual(built.missingCrcs, []);
    const magic = / SMP .*modversions/;
    assert.match(ko.vermagic ?? '', magic);
    assert.equal(ko.vermagic?.split(' ')[0], release);

    const kdir = `"$(kheaders kdir ${release} ${options.map((option) => `'${option}'`).join(' ')})"`;
    const script = `cd ${module}; make -C ${kdir} M="$PWD" clean modules`;
    const made = await runScript(bench, script);
    assert.equal(made.code, 0, made.stderr + made.stdout);
    assert.ok(bytes.equals(await readFile(built.path)), 'make -C gives another file than build');
  });
}

test('kdir makes a tree once, and says where each part came from', async () => {
  const bench = await openBench('arm64');
  const { release, assets } = bench;
  const symvers = join(assets.objects, 'Module.symvers');
  const args = ['kdir', release, '--kbuild', assets.kernelSource, '--symvers', symvers, '--json'];
  const [first = ''] = await bench.lines(...args);
  const { path, record } = JSON.parse(first) as { path: string; record: { parts: { part: string; source: string }[] } };
  const before = await stat(path);
  const [second = ''] = await bench.lines(...args);
  assert.equal(second, first);
  assert.equal((await stat(path)).ino, before.ino);
  const [other] = await bench.lines('kdir', release, '--kbuild', assets.kernelSource);
  assert.notEqual(other, path);

  assert.deepEqual(JSON.parse(await readFile(join(path, 'kdir.json'), 'utf8')), record);
  assert.deepEqual(
    record.parts.map(({ part, source }) => [part, source]),
    [
      ['headers', 'entry'],
      ['kbuild', `tree ${assets.kernelSource}`],
      ['include/config/auto.conf', 'autoconf.h'],
      ['Module.symvers', 'symbols'],
      ['scripts/basic/fixdep', 'built from kbuild'],
      ['scripts/mod/modpost', 'built from kbuild'],
      ['scripts/genksyms/genksyms', 'missing'],
      ['scripts/module.lds', 'built from kbuild'],
    ],
  );
  const written = await readFile(join(path, 'Module.symvers'), 'utf8');
  assert.deepEqual(written.split('\n').sort(), (await readFile(symvers, 'utf8')).split('\n').sort());
});
