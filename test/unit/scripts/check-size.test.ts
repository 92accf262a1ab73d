import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from '../../support/temp.js';

const script = fileURLToPath(new URL('../../../scripts/check-size.mjs', import.meta.url));

async function check(t: TestContext, name?: string, text = '') {
  const args = [script];
  if (name !== undefined) {
    const root = await temporaryDirectory(t);
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), text);
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

for (const [name, text] of [
  ['a file at the limit', lines(300)],
  ['a function at the limit', `function f() ${body(60)}`],
] as const) {
  test(`check-size passes on ${name}`, async (t) => {
    assert.deepEqual((await check(t, 'host/src/core/x.ts', text)).status, 0);
  });
}

for (const [name, text, problem] of [
  ['a file', lines(301), /over budget \(300\): host\/src\/core\/x\.ts has 301 lines/],
  ['a function', `function big() ${body(61)}`, /over budget \(60\): host\/src\/core\/x\.ts: big has 61 lines/],
  ['an arrow function', `const big = () => ${body(61)}`, /x\.ts: \(anonymous\) has 61 lines/],
  ['a method', `class A { big() ${body(61)} }`, /x\.ts: big has 61 lines/],
  ['a function inside another', `function outer() {\nfunction inner() ${body(61)}\n}`, /x\.ts: inner has 61 lines/],
] as const) {
  test(`check-size fails for ${name} over its budget`, async (t) => {
    const { status, stderr } = await check(t, 'host/src/core/x.ts', text);
    assert.equal(status, 1);
    assert.match(stderr, problem);
  });
}

test('check-size lets tests be long', async (t) => {
  assert.equal((await check(t, 'test/unit/x.test.ts', `function big() ${body(100)}${lines(400)}`)).status, 0);
});
