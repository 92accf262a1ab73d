import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKbuildFile } from '../../../../host/src/build/kbuild-file.js';

for (const path of [
  'Makefile',
  'Kbuild',
  'scripts/Makefile.build',
  'scripts/module.lds.S',
  'scripts/mod/modpost.c',
  'scripts/basic/fixdep',
  'arch/x86/Makefile',
  'arch/x86/Makefile_32.cpu',
  'tools/objtool/check.c',
  'tools/lib/subcmd/run-command.c',
]) {
  test(`isKbuildFile wants ${path}`, () => assert.ok(isKbuildFile(path, 'x86')));
}

for (const path of [
  '.config',
  'README',
  '../Makefile',
  '/Makefile',
  'scripts/../../etc/passwd',
  'scripts/./Makefile.build',
  'scripts/a b',
  'scripts/$(id)',
  'scripts/mod/modpost.o',
  'scripts/.hidden',
  'scripts/kconfig/conf.c',
  'arch/arm64/Makefile',
  'arch/x86/boot/Makefile',
  'drivers/Makefile',
  'tools/lib/bpf/libbpf.c',
  'tools/perf/builtin.c',
]) {
  test(`isKbuildFile leaves out ${path}`, () => assert.ok(!isKbuildFile(path, 'x86')));
}

test('isKbuildFile takes objtool for x86 alone', () => assert.ok(!isKbuildFile('tools/objtool/check.c', 'arm64')));
