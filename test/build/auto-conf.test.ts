import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  findConfigDifferences,
  formatAutoConf,
  parseAutoconfHeader,
  parseDotConfig,
} from '../../host/src/build/kernel-config.js';
import { findBuildAssets } from '../phone/assets.js';

/** `CONFIG_X=1` in Debian's auto.conf is `CONFIG_X=y` in ours: what docs/what-headers-do-not-contain.md says of numbers. */
const documented = /^CONFIG_\w+=y$/;

function linesOf(text: string): Set<string> {
  return new Set(text.split('\n').filter((line) => line.startsWith('CONFIG_')));
}

for (const arch of ['x86_64', 'arm64'] as const) {
  test(`formatAutoConf makes Debian’s auto.conf of its autoconf.h (${arch})`, async (t) => {
    const { objects } = await findBuildAssets(arch, (line) => console.error(line));
    const header = await readFile(join(objects, 'include/generated/autoconf.h'), 'utf8');
    const theirs = linesOf(await readFile(join(objects, 'include/config/auto.conf'), 'utf8'));
    const ours = linesOf(formatAutoConf(parseAutoconfHeader(header), { quoted: false }));
    const wrong = [...ours].filter((line) => !theirs.has(line));
    t.diagnostic(
      `${arch}: ${ours.size} of ${theirs.size} keys, ${wrong.length} of them a number 1: ${wrong.join(' ')}`,
    );
    assert.ok(ours.size > 2000);
    assert.equal(ours.size, theirs.size);
    for (const line of wrong) assert.ok(documented.test(line) && theirs.has(line.replace(/y$/, '1')), line);
    assert.ok(wrong.length < 10);
  });

  test(`formatAutoConf makes Debian’s auto.conf of its .config, without a loss (${arch})`, async () => {
    const { objects } = await findBuildAssets(arch, (line) => console.error(line));
    const theirs = linesOf(await readFile(join(objects, 'include/config/auto.conf'), 'utf8'));
    const config = parseDotConfig(await readFile(join(objects, '.config'), 'utf8'));
    assert.deepEqual([...linesOf(formatAutoConf(config, { quoted: false }))].sort(), [...theirs].sort());
    const header = parseAutoconfHeader(await readFile(join(objects, 'include/generated/autoconf.h'), 'utf8'));
    assert.deepEqual(findConfigDifferences(config, header), []);
  });
}
