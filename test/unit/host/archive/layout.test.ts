import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findLayout, parseUtsRelease } from '../../../../host/src/archive/layout.js';

const files = (...paths: string[]) => paths.map((path) => ({ path, kind: 'file' as const }));
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

test('findLayout finds none where there are no headers', () => {
  assert.equal(findLayout([]), undefined);
  assert.equal(findLayout(files('README', 'src/a.h')), undefined);
  assert.equal(findLayout([{ path: 'include/a.h', kind: 'directory' }]), undefined);
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
