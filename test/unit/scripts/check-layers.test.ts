import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from '../../support/temp.js';

const script = fileURLToPath(new URL('../../../scripts/check-layers.mjs', import.meta.url));

/** Runs the check on a tree of these files, or on the project itself. */
async function check(t: TestContext, files?: Readonly<Record<string, string>>) {
  const args = [script];
  if (files !== undefined) {
    const root = await temporaryDirectory(t);
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(root, name)), { recursive: true });
      await writeFile(join(root, name), text);
    }
    args.push(root);
  }
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  return { status, stdout, problems: stderr.split('\n').filter((line) => line !== '') };
}

const good = {
  'shared/src/index.ts': "export * from './a.js';\n",
  'shared/src/a.ts': 'export const a = 1;\n',
  'host/src/core/error.ts':
    "import { a } from '@kheaders/shared';\nimport { join } from 'node:path';\nexport { a, join };\n",
  'host/src/adb/b.ts': "import { a } from '../core/error.js';\nimport './c.js';\nexport { a };\n",
  'host/src/adb/c.ts': "import net from 'node:net';\nexport { net };\n",
  'host/src/index.ts': "export { a } from './core/error.js';\n",
  'host/src/cli/main.ts': "import { a } from '../index.js';\nexport { a };\n",
  'device-agent/src/main.ts': "import { a } from '@kheaders/shared';\nexport { a };\n",
};

test('check-layers passes on the project, and looks at all of it', async (t) => {
  const { status, stdout, problems } = await check(t);
  assert.deepEqual([status, problems], [0, []]);
  assert.ok(Number(/(\d+) files/.exec(stdout)?.[1]) > 100, stdout);
});

test('check-layers passes on a small tree that keeps the rules', async (t) => {
  assert.deepEqual((await check(t, good)).problems, []);
  assert.deepEqual((await check(t, {})).problems, []);
});

for (const [name, files, problem] of [
  [
    'a forbidden arrow',
    { 'host/src/core/x.ts': "import { b } from '../adb/b.js';" },
    /core\/x\.ts: host\/core may not import host\/adb/,
  ],
  [
    'a forbidden type',
    { 'host/src/core/x.ts': "import type { b } from '../adb/b.js';" },
    /host\/core may not import host\/adb/,
  ],
  [
    'a forbidden re-export',
    { 'host/src/core/x.ts': "export * from '../adb/b.js';" },
    /host\/core may not import host\/adb/,
  ],
  [
    'a forbidden import() at run time',
    { 'host/src/core/x.ts': "const x = await import('../adb/b.js');" },
    /host\/core may not import host\/adb/,
  ],
  [
    'a forbidden import for its effect',
    { 'host/src/core/x.ts': "import '../adb/b.js';" },
    /host\/core may not import host\/adb/,
  ],
  [
    'an import over several lines',
    { 'host/src/core/x.ts': "import {\n  b,\n  c,\n} from '../adb/b.js';" },
    /host\/core may not import host\/adb/,
  ],
  [
    'the library using the CLI',
    { 'host/src/pull/x.ts': "import '../cli/main.js';" },
    /host\/pull may not import host\/cli/,
  ],
  [
    'the CLI going past the library',
    { 'host/src/cli/x.ts': "import '../adb/b.js';" },
    /host\/cli may not import host\/adb/,
  ],
  [
    'the host using the agent',
    { 'host/src/core/x.ts': "import '../../../device-agent/src/main.js';" },
    /host\/core may not import device-agent/,
  ],
  [
    'the agent using the host',
    { 'device-agent/src/x.ts': "import '../../host/src/core/error.js';" },
    /device-agent may not import host\/core/,
  ],
  [
    'sources using tests',
    { 'host/src/core/x.ts': "import '../../../test/support/temp.js';" },
    /host\/core may not import test/,
  ],
  [
    'shared using node:',
    { 'shared/src/x.ts': "import { join } from 'node:path';" },
    /shared imports nothing, not even node:path/,
  ],
  [
    'shared using a package',
    { 'shared/src/x.ts': "import yargs from 'yargs';" },
    /shared imports nothing, not even yargs/,
  ],
  [
    'shared using the host',
    { 'shared/src/x.ts': "import '../../host/src/core/error.js';" },
    /shared may not import host\/core/,
  ],
  [
    'an unknown folder that imports',
    { 'host/src/misc/x.ts': "import 'node:fs';" },
    /folder host\/misc is not in the table/,
  ],
  [
    'a cycle',
    { 'host/src/adb/c.ts': "import './b.js';" },
    /^cycle: host\/src\/adb\/b\.ts → host\/src\/adb\/c\.ts → host\/src\/adb\/b\.ts$/,
  ],
  ['a cycle of types', { 'host/src/adb/c.ts': "import type { a } from './b.js';" }, /^cycle: /],
  [
    'a file that imports itself',
    { 'host/src/adb/c.ts': "import './c.js';" },
    /^cycle: host\/src\/adb\/c\.ts → host\/src\/adb\/c\.ts$/,
  ],
] as readonly [string, Readonly<Record<string, string>>, RegExp][]) {
  test(`check-layers fails for ${name}`, async (t) => {
    const { status, problems } = await check(t, { ...good, ...files });
    assert.equal(status, 1);
    assert.ok(
      problems.some((line) => problem.test(line)),
      problems.join('\n'),
    );
  });
}
