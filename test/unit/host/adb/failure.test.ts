import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFailure } from '../../../../host/src/adb/failure.js';

/** Every text of AOSP's transport.cpp, sockets.cpp and services.cpp that reaches a client (adb.md 1.5). */
const texts = [
  ["device '0123 45:6' not found", 'no-device'],
  ["device 'a\nb' not found", 'no-device'],
  ['no devices/emulators found', 'no-device'],
  ['no devices found', 'no-device'],
  ['no emulators found', 'no-device'],
  ["no device with transport id '7'", 'no-device'],
  ['more than one device/emulator', 'ambiguous-device'],
  ['more than one USB device', 'ambiguous-device'],
  ['more than one emulator', 'ambiguous-device'],
  ['more than one device with serial 0123', 'ambiguous-device'],
  ['device offline', 'device-offline'],
  ['device offline (no transport)', 'device-offline'],
  ['device offline (transport offline)', 'device-offline'],
  ['device still connecting', 'device-offline'],
  ['device still authorizing', 'device-offline'],
  [
    "device unauthorized.\nThis adb server's $ADB_VENDOR_KEYS is not set\nTry 'adb kill-server' if that seems wrong.",
    'device-unauthorized',
  ],
  ['closed', 'device-failed'],
  ["unknown host service 'host:frob'", 'device-failed'],
  ['', 'device-failed'],
] as const;

for (const [text, code] of texts) {
  test(`parseFailure: ${JSON.stringify(text.slice(0, 40))} is ${code}`, () => {
    const error = parseFailure(text);
    assert.equal(error.code, code);
    assert.equal(error.details.output, text);
  });
}

test('parseFailure keeps only the begin of an endless text', () => {
  assert.equal(parseFailure('x'.repeat(65535)).details.output?.length, 1000);
});
