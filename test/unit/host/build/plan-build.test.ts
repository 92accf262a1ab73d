import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatKdirMakefile } from '../../../../host/src/build/kdir-makefile.js';
import type { Kdir } from '../../../../host/src/build/make-kdir.js';
import { parseModulesOrder, planBuild } from '../../../../host/src/build/plan-build.js';

const toolchain = { crossCompile: 'aarch64-linux-gnu-', llvm: undefined, cc: 'aarch64-linux-gnu-gcc-12' };
const tree = { path: '/cache/kdir-1', inputs: { toolchain, facts: { makeArch: 'arm64' } } } as unknown as Kdir;

test('planBuild calls make as a script would', () => {
  assert.deepEqual(planBuild(tree, '/home/me/hello'), {
    file: 'make',
    args: ['-C', '/cache/kdir-1', 'M=/home/me/hello', 'modules'],
    cwd: '/home/me/hello',
    env: { ARCH: 'arm64', CROSS_COMPILE: 'aarch64-linux-gnu-', LLVM: undefined, LC_ALL: 'C' },
  });
});

test('planBuild hands arguments to make; a target takes the place of modules', () => {
  const argsOf = (...makeArgs: string[]) => planBuild(tree, '/m', { makeArgs }).args.slice(3);
  assert.deepEqual(argsOf('W=1', '-j', '4'), ['W=1', '-j', '4', 'modules']);
  assert.deepEqual(argsOf('clean'), ['clean']);
  assert.deepEqual(planBuild(tree, '/m', { allowMissingCrcs: true }).args.slice(3), [
    'KBUILD_MODPOST_WARN=1',
    'modules',
  ]);
});

test('parseModulesOrder reads the lists of all kernels', () => {
  assert.deepEqual(parseModulesOrder('/m/a.o\nb.o\nkernel//m/c.ko\n/m/d.ko\n\n'), [
    '/m/a.ko',
    'b.ko',
    '/m/c.ko',
    '/m/d.ko',
  ]);
});

test('formatKdirMakefile sets only what nobody gave', () => {
  const lines = formatKdirMakefile('arm64', { ...tree.inputs.toolchain, ...toolchain }).split('\n');
  assert.ok(lines.includes('ARCH ?= arm64') && lines.includes('CROSS_COMPILE ?= aarch64-linux-gnu-'));
  assert.ok(lines.includes('override CC := aarch64-linux-gnu-gcc-12'));
  const llvm = formatKdirMakefile('arm64', { ...tree.inputs.toolchain, crossCompile: '', llvm: '-14', cc: undefined });
  assert.match(llvm, /^LLVM \?= -14$/m);
  assert.doesNotMatch(llvm, /CC|CROSS/);
});
