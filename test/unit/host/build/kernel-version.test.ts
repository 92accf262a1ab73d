import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  compareVersions,
  isAtLeast,
  parseMakefileVersion,
  parseVersionHeader,
} from '../../../../host/src/build/kernel-version.js';

test('parseVersionHeader prefers the sublevel of its own, which may be above 255', () => {
  assert.deepEqual(parseVersionHeader('#define LINUX_VERSION_CODE 264386\n'), [4, 8, 194]);
  const today =
    '#define LINUX_VERSION_CODE 265215\n#define LINUX_VERSION_MAJOR 4\n#define LINUX_VERSION_SUBLEVEL 300\n';
  assert.deepEqual(parseVersionHeader(today), [4, 11, 300]);
  assert.equal(parseVersionHeader('#define UTS_RELEASE "6.1"\n'), undefined);
});

test('parseMakefileVersion reads the top of the kernel’s Makefile, and no other', () => {
  const text = '# SPDX\nVERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 192\nEXTRAVERSION =\n';
  assert.deepEqual(parseMakefileVersion(text), [6, 1, 192]);
  assert.equal(parseMakefileVersion('obj-m := x.o\n'), undefined);
});

test('compareVersions and isAtLeast', () => {
  assert.equal(compareVersions([6, 1, 5], [6, 1, 5]), 'exact');
  assert.equal(compareVersions([6, 1, 5], [6, 1, 6]), 'series');
  assert.equal(compareVersions([6, 1, 5], [6, 2, 5]), 'other');
  assert.equal(compareVersions([6, 1, 5], [5, 1, 5]), 'other');
  assert.deepEqual(
    [isAtLeast([5, 18, 0], 5, 18), isAtLeast([5, 17, 9], 5, 18), isAtLeast([6, 0, 0], 5, 18)],
    [true, false, true],
  );
});
