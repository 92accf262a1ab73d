import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { listStaging, phoneTest, useAdbServer } from './phone-test.js';

useAdbServer();

type Json = Record<string, any>;

phoneTest(
  'pull --all: three phones, two kernels, one download for each kernel',
  [{ layout: 'sys' }, { layout: 'sys' }, { layout: 'sys', arch: 'arm64' }],
  async ({ phones, kheaders, cache }) => {
    const { code, stdout, stderr } = await kheaders('pull', '--all', '--json');
    assert.equal(code, 0, stderr);
    const results = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Json);
    assert.deepEqual(results.map((result) => result['serial']).sort(), phones.map((phone) => phone.serial).sort());
    assert.deepEqual(results.map((result) => result['how']).sort(), ['fetched', 'fetched', 'shared']);
    assert.equal((await readdir(join(cache, 'v1', 'kernels'))).length, 2);
    const plain = await kheaders('pull', '--all');
    const lines = plain.stdout.trim().split('\n');
    assert.deepEqual(lines.map((line) => line.split('\t')[0]).sort(), phones.map((phone) => phone.serial).sort());
  },
);

phoneTest('two pulls of one phone at once both succeed', { layout: 'sys' }, async ({ start, folder }) => {
  for (let round = 0; round < 3; round += 1) {
    // Separate caches, so that both have to read the archive.
    const runs = [0, 1].map((host) => start('pull', '--json', '--cache', join(folder, `host-${round}-${host}`)));
    const results = await Promise.all(runs.map((run) => run.done));
    for (const { code, stderr, stdout } of results) {
      assert.equal(code, 0, stderr);
      assert.equal((JSON.parse(stdout) as Json)['ok'], true);
    }
  }
});

phoneTest('sixteen pulls at once into one cache give one entry', { layout: 'sys' }, async ({ start, cache }) => {
  const runs = Array.from({ length: 16 }, () => start('pull'));
  const results = await Promise.all(runs.map((run) => run.done));
  for (const { code, stderr } of results) assert.equal(code, 0, stderr);
  assert.equal(new Set(results.map(({ stdout }) => stdout)).size, 1);
  const [release] = await readdir(join(cache, 'v1', 'kernels'));
  const entries = await readdir(join(cache, 'v1', 'kernels', release!));
  assert.equal(entries.filter((name) => name !== 'latest').length, 1);
  assert.deepEqual(await listStaging(cache), []);
});
