import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRelease, parseKernelVersion, parseProcVersion } from '../../../shared/src/release.js';

test('isRelease takes what kernels are called', () => {
  for (const release of [
    '6.1.25-android14-11-maybe-dirty',
    '6.12.69-android16-6-gb1493ec68d4a-abogki514973465-4k',
    '5.10.0-41-amd64',
    '6.6.0-rc1+',
    '4.19.110~x_y',
    'next-20260101',
    '6',
    'a'.repeat(64),
  ]) {
    assert.ok(isRelease(release), release);
  }
});

test('isRelease refuses whatever could be more than a name', () => {
  for (const text of [
    '',
    '.',
    '..',
    '../../x',
    '6..1',
    '6.1/x',
    '/6.1',
    '6.1\\x',
    '-rf',
    '.hidden',
    '~root',
    '6.1 x',
    ' 6.1',
    '6.1\n',
    '\n6.1',
    '6.1\nx',
    '6.1\0',
    '6.1\x1b[31m',
    '6.1\u202e',
    '6.1é',
    '٦.١',
    '6.1$(id)',
    '6.1`id`',
    "6.1'",
    '6.1;x',
    '6.1:x',
    'a'.repeat(65),
  ]) {
    assert.equal(isRelease(text), false, JSON.stringify(text));
  }
});

test('parseProcVersion takes the release and nothing that is none', () => {
  const release = '6.1.25-android14-11-gdeadbeef';
  assert.equal(parseProcVersion(`Linux version ${release} (build@host) (clang) #1 SMP PREEMPT`), release);
  for (const line of [
    '',
    release,
    `Linux version ${release}`,
    `linux version ${release} (x)`,
    ` Linux version ${release} (x)`,
    'Linux version  (x)',
    'Linux version ../../x (y)',
    'Linux version 6.1\x1b[2J (y)',
    `Linux version ${'6'.repeat(65)} (y)`,
  ]) {
    assert.equal(parseProcVersion(line), undefined, JSON.stringify(line));
  }
});

test('parseKernelVersion reads the numbers in front', () => {
  assert.deepEqual(parseKernelVersion('6.1.25-android14'), [6, 1, 25]);
  assert.deepEqual(parseKernelVersion('6.3-rc1'), [6, 3, 0]);
  assert.deepEqual(parseKernelVersion('6.3.0-rc1'), [6, 3, 0]);
  assert.deepEqual(parseKernelVersion('10.20.300'), [10, 20, 300]);
  for (const release of ['next-20260101', '6', '6.x', 'v6.1', '']) {
    assert.equal(parseKernelVersion(release), undefined, release);
  }
});
