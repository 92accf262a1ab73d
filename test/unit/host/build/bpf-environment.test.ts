import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeBpfEnvironment, versionCodeOf } from '../../../../host/src/build/bpf-environment.js';
import { type BpfTarget, findBpfTarget } from '../../../../host/src/build/bpf-target.js';
import { parseDotConfig } from '../../../../host/src/build/kernel-config.js';

function targetOf(srcArch: string, config = 'CONFIG_64BIT=y\n'): BpfTarget {
  const target = findBpfTarget({ srcArch, config: parseDotConfig(config) });
  assert.ok(target);
  return target;
}

function environment(srcArch: string, tools: readonly ('bcc' | 'bpftrace')[]) {
  const subject = {
    headers: '/c/h',
    bpftraceHeaders: '/c/b',
    target: targetOf(srcArch),
    version: [6, 1, 192] as const,
  };
  return makeBpfEnvironment(subject, tools);
}

test('findBpfTarget knows 64 bits of three architectures, and what their Makefiles define', () => {
  assert.deepEqual(targetOf('arm64'), {
    triple: 'aarch64-linux-gnu',
    tracing: 'arm64',
    bcc: 'arm64',
    bpftrace: 'arm64',
    defines: ['KASAN_SHADOW_SCALE_SHIFT=3'],
  });
  const tagged = targetOf('arm64', 'CONFIG_64BIT=y\nCONFIG_KASAN_SW_TAGS=y\n');
  assert.deepEqual(tagged.defines, ['KASAN_SHADOW_SCALE_SHIFT=4']);
  assert.deepEqual(targetOf('x86').defines, []);
  assert.deepEqual(targetOf('x86', 'CONFIG_64BIT=y\nCONFIG_HAVE_FENTRY=y\n').defines, ['CC_USING_FENTRY']);
  for (const [srcArch, config] of [
    ['x86', ''],
    ['arm', ''],
    ['mips', 'CONFIG_64BIT=y\n'],
  ] as const) {
    assert.equal(findBpfTarget({ srcArch, config: parseDotConfig(config) }), undefined, srcArch);
  }
});

test('makeBpfEnvironment names each tool its own folder and ARCH', () => {
  assert.deepEqual(environment('arm64', ['bcc', 'bpftrace']), {
    variables: [
      ['BCC_KERNEL_SOURCE', '/c/h'],
      ['BCC_LINUX_VERSION_CODE', '393664'],
      ['BPFTRACE_KERNEL_SOURCE', '/c/b'],
      ['BPFTRACE_KERNEL_BUILD', '/c/b'],
      ['ARCH', 'arm64'],
    ],
    remarks: [],
  });
  assert.deepEqual(environment('riscv', ['bpftrace']).variables.at(-1), ['ARCH', 'riscv']);
});

test('makeBpfEnvironment sets no ARCH where the two tools want different ones, and says so', () => {
  const { variables, remarks } = environment('riscv', ['bcc', 'bpftrace']);
  assert.equal(
    variables.some(([name]) => name === 'ARCH'),
    false,
  );
  assert.match(remarks.join(), /BCC wants riscv64, bpftrace riscv\b/);
});

test('versionCodeOf is KERNEL_VERSION() of linux/version.h', () => {
  assert.equal(versionCodeOf([6, 1, 192]), 0x0601c0);
  assert.equal(versionCodeOf([4, 14, 300]), 0x040eff);
});
