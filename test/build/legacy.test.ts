import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readModule } from '../../host/src/image/read-module.js';
import { compareVersions, openBench, runScript } from './build-test.js';

for (const arch of ['x86_64', 'arm64'] as const) {
  const cross = arch === 'arm64' ? 'CROSS_COMPILE=aarch64-linux-gnu-' : '';

  test(`an archive of March 2019 builds a module as its patch said, and through kdir (${arch})`, async () => {
    const bench = await openBench(arch, 'legacy');
    const theirs = await readFile(join(bench.assets.objects, 'Module.symvers'), 'utf8');
    const module = await bench.copyModule('module');
    const recipe = `
      mkdir -p headers
      tar -xf '${bench.assets.legacyArchive}' -C headers >/dev/null
      cd ${module}
      make -C ../headers M=$(pwd) ${cross} modules`;
    const plain = await runScript(bench, recipe);
    assert.equal(plain.code, 0, plain.stderr + plain.stdout);
    const ko = readModule(await readFile(join(module, 'observer.ko')));
    assert.equal(compareVersions(ko, theirs), ko.imports.length + 1);

    const script = `cd ${module}; make -C "$(kheaders kdir ${bench.release})" M="$PWD" clean modules`;
    const made = await runScript(bench, script);
    assert.equal(made.code, 0, made.stderr + made.stdout);
    const again = readModule(await readFile(join(module, 'observer.ko')));
    assert.equal(compareVersions(again, theirs), again.imports.length + 1);
    assert.equal(again.vermagic, ko.vermagic);
  });
}
