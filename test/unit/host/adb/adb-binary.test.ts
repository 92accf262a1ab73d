import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { listAdbBinaries } from '../../../../host/src/adb/adb-binary.js';

test('listAdbBinaries: $ADB alone, else the SDKs, then PATH', () => {
  const home = join('/sdk', 'platform-tools', 'adb');
  const sdkRoot = join('/root sdk', 'platform-tools', 'adb');
  const sdks = { ANDROID_HOME: '/sdk', ANDROID_SDK_ROOT: '/root sdk' };
  assert.deepEqual(listAdbBinaries({ ADB: '/my/adb', ...sdks }), ['/my/adb']);
  assert.deepEqual(listAdbBinaries({ ADB: '', ...sdks }), [home, sdkRoot, 'adb']);
  assert.deepEqual(listAdbBinaries({ ANDROID_HOME: '', ANDROID_SDK_ROOT: '/root sdk' }), [sdkRoot, 'adb']);
  assert.deepEqual(listAdbBinaries({}), ['adb']);
});
