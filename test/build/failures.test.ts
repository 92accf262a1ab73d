import assert from 'node:assert/strict';
import { appendFile, cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { findBuildAssets } from '../phone/assets.js';
import { type Bench, openBench } from './build-test.js';

interface Failure {
  readonly code: string;
  readonly details: { readonly reason?: string; readonly choices?: readonly string[] };
}

async function fail(bench: Bench, exit: number, ...args: string[]): Promise<Failure> {
  const { code, stdout, stderr } = await bench.kheaders('build', ...args, '--kernel', bench.release, '--json');
  assert.equal(code, exit, stdout + stderr);
  return (JSON.parse(stdout) as { error: Failure }).error;
}

test('build explains what is missing: CRCs, a private header, a program of Kbuild', async () => {
  const bench = await openBench('arm64');
  const { assets, folder } = bench;
  const module = await bench.copyModule('module');
  const source = ['--kbuild', assets.kernelSource];

  const none = await fail(bench, 72, module, ...source);
  assert.match(none.details.reason ?? '', /Nothing known says/);
  assert.ok(none.details.choices?.includes('module_layout') && none.details.choices.includes('seq_printf'));

  const all = await readFile(join(assets.objects, 'Module.symvers'), 'utf8');
  const wanted = ['_printk', 'kfree', 'msleep', 'seq_printf', 'seq_puts', 'sort', 'vfree', 'vmalloc', 'complete'];
  const left = [...wanted, 'mutex_lock', 'mutex_unlock', 'register_kprobe', 'unregister_kprobe', 'proc_remove'].sort();
  const part = all.split('\n').filter((line) => !left.includes(line.split('\t')[1] ?? ''));
  await writeFile(join(folder, 'part.symvers'), part.join('\n'));
  const symvers = ['--symvers', join(folder, 'part.symvers')];
  const some = await fail(bench, 72, module, ...source, ...symvers);
  assert.deepEqual(some.details.choices, left);
  const args = ['build', module, '--kernel', bench.release, ...source, ...symvers, '--allow-missing-crcs'];
  assert.deepEqual(await bench.lines(...args), [join(module, 'observer.ko')]);

  await appendFile(join(module, 'observer.c'), '#include "../kernel/sched/sched.h"\n');
  const header = await fail(bench, 72, module, ...source);
  assert.match(header.details.reason ?? '', /A header is not in the archive/);
  assert.deepEqual(header.details.choices, ['../kernel/sched/sched.h']);

  const { vmlinuz } = await findBuildAssets('x86_64', (line) => console.error(line));
  const image = await fail(bench, 32, module, ...source, '--image', vmlinuz);
  assert.deepEqual([image.code, image.details.reason], ['release-mismatch', 'image-banner']);

  const wrong = await fail(bench, 2, join(folder, 'nowhere'), ...source);
  assert.equal(wrong.code, 'usage');
});

test('build explains that objtool is missing', async () => {
  const bench = await openBench('x86_64');
  const { assets, folder } = bench;
  const tree = join(folder, 'linux');
  await cp(assets.kernelSource, tree, { recursive: true });
  await rm(join(tree, 'tools'), { recursive: true });
  const error = await fail(bench, 72, await bench.copyModule('module'), '--kbuild', tree);
  assert.match(error.details.reason ?? '', /A program of Kbuild is not in the tree/);
  assert.deepEqual(error.details.choices, ['tools/objtool/objtool']);
});
