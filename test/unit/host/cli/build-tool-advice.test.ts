import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adviseBuildTool } from '../../../../host/src/cli/build-tool-advice.js';
import { renderError } from '../../../../host/src/cli/render-error.js';
import { KhError } from '../../../../host/src/core/error.js';

test('adviseBuildTool names Debian’s package, what the kernel was built with and what is there', () => {
  const details = { path: 'aarch64-linux-gnu-gcc', expected: 'gcc-12 (Debian) 12.2.0', choices: ['gcc', 'clang-14'] };
  assert.deepEqual(adviseBuildTool(details), {
    why: ['The kernel was built with gcc-12 (Debian) 12.2.0.', 'Installed: gcc, clang-14'],
    next: ['apt install gcc-aarch64-linux-gnu'],
  });
  for (const [path = '', name = ''] of [
    ['gcc', 'gcc'],
    ['other-gcc', 'gcc'],
    ['clang-14', 'clang lld llvm'],
    ['make', 'make'],
    ['xz', 'xz-utils'],
  ]) {
    assert.deepEqual(adviseBuildTool({ path })?.next, [`apt install ${name}`]);
  }
});

test('adviseBuildTool leaves adb to others', () => {
  assert.equal(adviseBuildTool({ path: '/opt/adb' }), undefined);
  assert.match(renderError(new KhError('tool-missing', 'Cannot run adb', { path: 'adb' }), false), /apt install adb/);
});
