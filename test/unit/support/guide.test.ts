import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { formatGuideScript, parseGuide, runGuide } from '../../support/guide.js';
import { temporaryDirectory } from '../../support/temp.js';

function guide(...blocks: readonly string[]): string {
  return `# A guide\n\n${blocks.join('\n\nText.\n\n')}\n`;
}

async function run(t: TestContext, text: string): Promise<{ output: string; folder: string }> {
  const top = await temporaryDirectory(t);
  const folder = join(top, 'work');
  await mkdir(folder);
  await writeFile(join(top, 'guide.md'), text);
  return { output: await runGuide(join(top, 'guide.md'), { folder, env: process.env }), folder };
}

test('parseGuide takes sh blocks and named files, and leaves others', () => {
  const text = guide('```sh\na\nb\n```', '```c file=hello.c\nint x;\n```', '```text\nno\n```', '```\nno\n```');
  assert.deepEqual(parseGuide(text), [
    { kind: 'sh', line: 4, text: 'a\nb\n' },
    { kind: 'file', name: 'hello.c', line: 11, text: 'int x;\n' },
  ]);
  assert.deepEqual(parseGuide('1. do\n\n   ```sh\n   ls\n     -l\n   ```\n'), [
    { kind: 'sh', line: 4, text: 'ls\n  -l\n' },
  ]);
  assert.deepEqual(
    parseGuide('````sh\ncat <<E\n```sh\nE\n````\n').map(({ text: body }) => body),
    ['cat <<E\n```sh\nE\n'],
  );
});

test('parseGuide refuses an open fence and a file name that leaves the folder', () => {
  assert.throws(() => parseGuide('```sh\nls\n'), /line 1 is left open/);
  assert.throws(() => parseGuide('```c file=../x\n```\n'), /is no plain name/);
});

test('formatGuideScript marks each block', () => {
  assert.equal(formatGuideScript([{ kind: 'sh', line: 7, text: 'ls\n' }]), 'echo 7 >&3\nls\n\necho end >&3\n');
});

test('runGuide runs all blocks in one shell and saves files', async (t) => {
  const text = guide(
    '```txt file=in.txt\nhello\n```',
    '```sh\nx=$(cat in.txt)\n```',
    '```sh\necho "$x" | tee out\n```',
  );
  const { output, folder } = await run(t, text);
  assert.equal(output, 'hello\n');
  assert.equal(await readFile(join(folder, 'out'), 'utf8'), 'hello\n');
});

test('runGuide names the block that fails, also inside a pipe, and one that ends early', async (t) => {
  await assert.rejects(
    run(t, guide('```sh\ntrue\n```', '```sh\nfalse\necho on\n```')),
    /guide\.md:10: .* code 1 in\nfalse/,
  );
  await assert.rejects(run(t, guide('```sh\nfalse | cat\n```')), /:4: .* code 1/);
  await assert.rejects(run(t, guide('```sh\nexit 0\n```', '```sh\ntrue\n```')), /:4: .* code 0/);
  await assert.rejects(run(t, guide('```sh\nx=(a b)\n```')), /Syntax error/i);
  await assert.rejects(run(t, guide('```text\nnothing\n```')), /no ```sh block/);
});
