import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from '../../support/temp.js';

const script = fileURLToPath(new URL('../../../scripts/check-size.mjs', import.meta.url));

/** Runs it on the project, or on files of these texts, all at once: most of its time is to load the compiler. */
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
  return { status, stdout, stderr };
}

/** A function of so many lines. */
const body = (lines: number): string => `{\n${'  work();\n'.repeat(lines - 2)}}`;
const lines = (count: number): string => 'work();\n'.repeat(count);

test('check-size passes on the project and prints its largest', async (t) => {
  const { status, stdout, stderr } = await check(t);
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, /^files: \d{3,}, median \d+, p90 \d+, largest:\n( +\d+ {2}\S.*\n){5}functions: \d{3,}, /);
});

test('check-size passes on a file and a function at the limit, and lets functions of tests be long', async (t) => {
  const files = {
    'host/src/core/file.ts': lines(300),
    'host/src/core/function.ts': `function f() ${body(60)}`,
    'test/unit/x.test.ts': `function big() ${body(100)}\n${lines(199)}`,
  };
  assert.equal((await check(t, files)).status, 0);
});

test('check-size fails for each file and function over its budget', async (t) => {
  const files = {
    'host/src/core/file.ts': lines(301),
    'test/unit/x.test.ts': lines(301),
    'host/src/core/function.ts': `function big() ${body(61)}`,
    'host/src/core/arrow.ts': `const big = () => ${body(61)}`,
    'host/src/core/method.ts': `class A { big() ${body(61)} }`,
    'host/src/core/inside.ts': `function outer() {\nfunction inner() ${body(61)}\n}`,
  };
  const { status, stderr } = await check(t, files);
  assert.equal(status, 1);
  const problems = [
    'over budget (300): host/src/core/file.ts has 301 lines',
    'over budget (300): test/unit/x.test.ts has 301 lines',
    'over budget (60): host/src/core/function.ts: big has 61 lines',
    'over budget (60): host/src/core/arrow.ts: (anonymous) has 61 lines',
    'over budget (60): host/src/core/method.ts: big has 61 lines',
    'over budget (60): host/src/core/inside.ts: inner has 61 lines',
    // What it is inside of, which is longer.
    'over budget (60): host/src/core/inside.ts: outer has 63 lines',
  ];
  assert.deepEqual(stderr.trim().split('\n').sort(), problems.sort());
});
