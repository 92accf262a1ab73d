import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findLayout, parseUtsRelease } from '../../../../host/src/archive/layout.js';
import type { TreeKind } from '../../../../host/src/core/tree.js';

const files = (...paths: string[]): ReadonlyMap<string, TreeKind> => new Map(paths.map((path) => [path, 'file']));
const modern = ['include/linux/kconfig.h', 'include/generated/utsrelease.h', 'arch/arm64/include/asm/page.h'];

test('findLayout tells the three layouts apart', () => {
  assert.deepEqual(findLayout(files(...modern)), {
    kind: 'headers',
    architectures: ['arm64'],
    utsRelease: 'include/generated/utsrelease.h',
  });
  assert.equal(findLayout(files(...modern, 'include/config/auto.conf'))?.kind, 'config');
  assert.equal(findLayout(files(...modern, 'include/config/auto.conf', 'Makefile', 'scripts/x.sh'))?.kind, 'legacy');
  assert.equal(findLayout(files(...modern, 'Makefile'))?.kind, 'headers');
});

test('findLayout names every architecture and the older places of the release', () => {
  const layout = findLayout(files('include/linux/version.h', 'arch/x86/Makefile', 'arch/arm/a.h', 'arch/Kconfig'));
  assert.deepEqual([layout?.architectures, layout?.utsRelease], [['arm', 'x86'], 'include/linux/version.h']);
  assert.equal(findLayout(files('include/a.h'))?.utsRelease, undefined);
});

test('findLayout takes no directory for a file, and links and programs for one', () => {
  const others: readonly (readonly [string, TreeKind])[] = [
    ['include/config/auto.conf', 'directory'],
    ['include/linux/version.h', 'directory'],
    ['Makefile', 'file'],
    ['scripts', 'directory'],
    ['scripts/basic', 'directory'],
  ];
  const layout = findLayout(new Map([...files('include/a.h'), ...others]));
  assert.deepEqual(layout, { kind: 'headers', architectures: [] });
  const legacy = new Map<string, TreeKind>([...others, ['include/a.h', 'symlink'], ['scripts/x.sh', 'program']]);
  assert.equal(findLayout(legacy)?.kind, 'legacy');
});

test('findLayout is not misled by names that begin like the folders it knows', () => {
  const layout = findLayout(files('include/a.h', 'Makefile', 'archs', 'scriptsx', 'scripts2/x', 'arch2/arm/a.h'));
  assert.deepEqual(layout, { kind: 'headers', architectures: [] });
  assert.equal(findLayout(files('includes/a.h', 'include', 'x/include/a.h')), undefined);
});

test('findLayout finds none where there are no headers', () => {
  assert.equal(findLayout(new Map()), undefined);
  assert.equal(findLayout(files('README', 'src/a.h')), undefined);
  assert.equal(findLayout(new Map([['include/a.h', 'directory']])), undefined);
});

test('parseUtsRelease reads the macro', () => {
  assert.equal(parseUtsRelease('/* c */\n#define UTS_RELEASE "6.1.25-android14-11-g1a"\n'), '6.1.25-android14-11-g1a');
  assert.equal(parseUtsRelease('#  define\tUTS_RELEASE "4.19.157-perf+"'), '4.19.157-perf+');
});

for (const text of [
  '',
  '#define UTS_RELEASE 6.1',
  '#define UTS_RELEASE "../../x"',
  '#define UTS_RELEASE ""',
  '#define MY_UTS_RELEASE "6.1"',
]) {
  test(`parseUtsRelease finds none in ${JSON.stringify(text)}`, () => assert.equal(parseUtsRelease(text), undefined));
}
