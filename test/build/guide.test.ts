import { copyFile, mkdir, symlink, writeFile, chmod } from 'node:fs/promises';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cleanEnv } from '../phone/tests/cli.js';
import { runGuide } from '../support/guide.js';
import { bin, openBench } from './build-test.js';

const guide = fileURLToPath(new URL('../../docs/what-headers-do-not-contain.md', import.meta.url));

test('docs/what-headers-do-not-contain.md, as written', async () => {
  const { folder, env, assets } = await openBench('arm64');
  const [place, programs] = [join(folder, 'guide'), join(folder, 'bin')];
  for (const path of [place, programs]) await mkdir(path);
  await writeFile(join(programs, 'kheaders'), `#!/bin/sh\nexec '${process.execPath}' '${bin}' "$@"\n`);
  await chmod(join(programs, 'kheaders'), 0o755);
  await copyFile(assets.archive, join(place, 'kheaders.tar.xz'));
  await copyFile(assets.vmlinuz, join(place, 'kernel.img'));
  await symlink(assets.kernelSource, join(place, 'linux'));
  const path = `${programs}:${process.env['PATH'] ?? ''}`;
  const output = await runGuide(guide, { folder: place, env: cleanEnv({ ...env, PATH: path }) });
  assert.match(output, /Nothing known says .*\n.*_printk, module_layout/);
  assert.match(output, /hello\/hello\.ko\n$/);
});
