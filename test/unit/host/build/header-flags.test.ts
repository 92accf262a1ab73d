import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findBpfTarget } from '../../../../host/src/build/bpf-target.js';
import { formatResponseFile, isPlainLine, listHeaderFlags } from '../../../../host/src/build/header-flags.js';
import { parseDotConfig } from '../../../../host/src/build/kernel-config.js';

const target = findBpfTarget({ srcArch: 'arm64', config: parseDotConfig('CONFIG_64BIT=y\n') })!;
const subject = { headers: '/c/h', srcArch: 'arm64', target, forced: ['include/linux/kconfig.h'] };

test('listHeaderFlags for bpf ends in bitcode of the kernel’s own architecture', () => {
  const flags = listHeaderFlags('bpf', subject);
  assert.deepEqual(flags.slice(0, 3), [
    '--target=aarch64-linux-gnu',
    '-nostdlibinc',
    '-isystem/c/h/arch/arm64/include',
  ]);
  assert.equal(flags.filter((flag) => flag.startsWith('-isystem/c/h/')).length, 7);
  assert.equal(flags[flags.indexOf('-include') + 1], '/c/h/include/linux/kconfig.h');
  for (const flag of ['-emit-llvm', '-D__TARGET_ARCH_arm64', '-DKASAN_SHADOW_SCALE_SHIFT=3', '-D__BPF_TRACING__']) {
    assert.ok(flags.includes(flag), flag);
  }
  assert.equal(flags.includes('-DMODULE'), false);
});

test('listHeaderFlags for a module has no trace of BPF', () => {
  const flags = listHeaderFlags('module', subject);
  assert.ok(flags.includes('-DMODULE') && flags.includes('-I/c/h/include/generated/uapi'));
  assert.equal(
    flags.some((flag) => /BPF|llvm|TARGET_ARCH/.test(flag)),
    false,
  );
});

test('formatResponseFile quotes what clang’s tokenizer would take apart', () => {
  assert.equal(formatResponseFile(['-O2', '-I/a b/"c"\\d']), '-O2\n"-I/a b/\\"c\\"\\\\d"\n');
});

test('isPlainLine refuses what $(…) would split or expand', () => {
  assert.equal(isPlainLine(['-O2', '-DX=__FILE__', "-I/o'brien"]), true);
  for (const flag of ['-I/a b', '-I/a*', '-I/a?', '-I/[a]', '-I/a\tb']) assert.equal(isPlainLine([flag]), false, flag);
});
