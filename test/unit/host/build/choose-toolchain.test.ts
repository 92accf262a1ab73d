import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Compiler, chooseToolchain } from '../../../../host/src/build/choose-toolchain.js';
import { parseCompilerVersion } from '../../../../host/src/build/find-compilers.js';
import { parseDotConfig } from '../../../../host/src/build/kernel-config.js';

function gcc(prefix: string, suffix: string, release: string): Compiler {
  const name = `${prefix}gcc${suffix}`;
  const text = `${name} (Debian ${release}-1) ${release}`;
  return { family: 'gcc', name, prefix, suffix, text, version: parseCompilerVersion(text) ?? 0, hasLld: false };
}

function clang(suffix: string, release: string, hasLld = true): Compiler {
  const text = `Debian clang version ${release}`;
  const version = parseCompilerVersion(text) ?? 0;
  return { family: 'clang', name: `clang${suffix}`, prefix: '', suffix, text, version, hasLld };
}

const gccKernel = parseDotConfig(
  'CONFIG_CC_VERSION_TEXT="gcc-12 (Debian 12.2.0-1) 12.2.0"\nCONFIG_CC_IS_GCC=y\nCONFIG_GCC_VERSION=120200\n',
);
const clangKernel = parseDotConfig(
  'CONFIG_CC_VERSION_TEXT="Android (8508608) clang version 14.0.7"\nCONFIG_CC_IS_CLANG=y\nCONFIG_CLANG_VERSION=140007\n',
);

test('parseCompilerVersion reads what compilers say of themselves', () => {
  assert.equal(parseCompilerVersion('gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0'), 120200);
  assert.equal(
    parseCompilerVersion('aarch64-none-linux-gnu-gcc (Arm GNU Toolchain 13.2.rel1) 13.2.1 20231009'),
    130201,
  );
  assert.equal(parseCompilerVersion('Debian clang version 14.0.6'), 140006);
  assert.equal(parseCompilerVersion('Android (8508608, based on r450784e) clang version 14.0.7 (https://x)'), 140007);
  assert.equal(parseCompilerVersion('hello'), undefined);
});

test('chooseToolchain takes the very compiler of the kernel, and says so', () => {
  const chosen = chooseToolchain(gccKernel, [gcc('', '', '12.2.0'), gcc('', '-12', '12.2.0'), clang('', '12.2.0')]);
  assert.deepEqual([chosen.compiler.name, chosen.exact, chosen.cc], ['gcc-12', true, 'gcc-12']);
});

test('chooseToolchain takes the nearest version of the same family, of two the newer one', () => {
  const [old, near, far] = [
    gcc('aarch64-linux-gnu-', '-11', '11.2.0'),
    gcc('aarch64-linux-gnu-', '', '13.2.0'),
    gcc('x-', '', '9.0.0'),
  ];
  const chosen = chooseToolchain(gccKernel, [far, old, near, clang('-12', '12.2.0')]);
  assert.deepEqual(
    [chosen.compiler.name, chosen.exact, chosen.crossCompile, chosen.cc, chosen.wanted],
    ['aarch64-linux-gnu-gcc', false, 'aarch64-linux-gnu-', undefined, 'gcc-12 (Debian 12.2.0-1) 12.2.0'],
  );
});

test('chooseToolchain tells make of clang by LLVM, or without ld.lld by CC', () => {
  assert.equal(chooseToolchain(clangKernel, [clang('', '16.0.1'), gcc('', '', '14.0.0')]).llvm, '1');
  assert.equal(chooseToolchain(clangKernel, [clang('', '16.0.1'), clang('-14', '14.0.6')]).llvm, '-14');
  const bare = chooseToolchain(clangKernel, [clang('-14', '14.0.6', false), gcc('aarch64-linux-gnu-', '', '12.2.0')]);
  assert.deepEqual([bare.llvm, bare.cc, bare.crossCompile], [undefined, 'clang-14', 'aarch64-linux-gnu-']);
});

test('chooseToolchain takes the other family only where there is none of the kernel’s own', () => {
  assert.equal(chooseToolchain(clangKernel, [gcc('', '', '12.2.0')]).compiler.family, 'gcc');
  assert.equal(chooseToolchain(gccKernel, [clang('', '14.0.6'), gcc('', '', '4.9.0')]).compiler.family, 'gcc');
});

test('chooseToolchain obeys --llvm and --cross, and fails with what there is', () => {
  const installed = [gcc('', '', '12.2.0'), gcc('aarch64-linux-gnu-', '', '10.2.0'), clang('', '14.0.6')];
  assert.equal(chooseToolchain(gccKernel, installed, { llvm: true }).compiler.name, 'clang');
  const cross = chooseToolchain(clangKernel, installed, { cross: 'aarch64-linux-gnu-' });
  assert.equal(cross.compiler.name, 'aarch64-linux-gnu-gcc');
  for (const options of [{ cross: 'other-' }, { llvm: true }]) {
    const find = () => chooseToolchain(gccKernel, installed.slice(0, 2), options);
    assert.throws(find, { code: 'tool-missing' });
  }
  assert.throws(() => chooseToolchain(gccKernel, []), { code: 'tool-missing' });
});
