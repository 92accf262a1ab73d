import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Device } from '../../../../host/src/adb/device-list.js';
import { type DeviceSelector, assertReady, selectDevice } from '../../../../host/src/device/select.js';

const device = (serial: string, state = 'device', transportId = '1'): Device => ({ serial, state, transportId });
const usb = device('0A051FDD', 'device', '1');
const net = device('192.168.1.7:5555', 'device', '2');
const spaced = device('my phone: 1', 'device', '3');
const any: DeviceSelector = { kind: 'any' };

test('selectDevice finds the one a selector names', () => {
  const all = [usb, net, spaced];
  assert.equal(selectDevice(all, { kind: 'serial', serial: 'my phone: 1' }), spaced);
  assert.equal(selectDevice(all, { kind: 'transport', transportId: '2' }), net);
  assert.equal(selectDevice(all, { kind: 'tcp' }), net);
  assert.equal(selectDevice([usb, net], { kind: 'usb' }), usb);
  assert.equal(selectDevice([spaced], any), spaced);
});

test('selectDevice: -e takes emulators, addresses and mDNS names, -d all others', () => {
  const network = [
    'emulator-5554',
    '[fe80::1]:5555',
    'host:5555',
    'adb-X-y (2)._adb-tls-connect._tcp',
    'adb-X._adb._tcp.',
  ];
  for (const serial of network) {
    assert.equal(selectDevice([device(serial), usb], { kind: 'tcp' }).serial, serial);
    assert.equal(selectDevice([device(serial), usb], { kind: 'usb' }), usb);
  }
  for (const serial of ['emulator', 'a:b', 'adb-1', '????????????']) {
    assert.equal(selectDevice([device(serial), net], { kind: 'usb' }).serial, serial);
  }
});

test('selectDevice: among several of any kind the only ready one is meant', () => {
  const others = [device('B', 'offline'), device('C', 'unauthorized'), device('D', 'recovery')];
  assert.equal(selectDevice([...others, usb], any), usb);
  assert.equal(selectDevice([device('B', 'offline'), usb], { kind: 'usb' }), usb);
});

test('selectDevice lists what there is when it cannot choose', () => {
  const fails = (devices: readonly Device[], selector: DeviceSelector, code: string, choices: readonly string[]) =>
    assert.throws(() => selectDevice(devices, selector), { code, details: { choices } });
  fails([], any, 'no-device', []);
  fails([net], { kind: 'usb' }, 'no-device', ['192.168.1.7:5555 (device)']);
  fails([usb], { kind: 'serial', serial: '0A051FD' }, 'no-device', ['0A051FDD (device)']);
  fails([usb, net], any, 'ambiguous-device', ['0A051FDD (device)', '192.168.1.7:5555 (device)']);
  const [x, y] = [device('X', 'offline'), device('Y', 'offline')];
  fails([x, y], any, 'ambiguous-device', ['X (offline)', 'Y (offline)']);
  // Cheap phones share a serial; the ready one of two is not surely the one that is meant.
  const twins = [device('0123', 'device', '1'), device('0123', 'offline', '2')];
  fails(twins, { kind: 'serial', serial: '0123' }, 'ambiguous-device', ['0123 (device)', '0123 (offline)']);
  assert.equal(selectDevice(twins, { kind: 'transport', transportId: '1' }), twins[0]);
});

for (const [state, code] of [
  ['unauthorized', 'device-unauthorized'],
  ['authorizing', 'device-unauthorized'],
  ['no permissions', 'device-unauthorized'],
  ['offline', 'device-offline'],
  ['connecting', 'device-offline'],
  ['bootloader', 'device-offline'],
  ['recovery', 'device-offline'],
  ['sideload', 'device-offline'],
  ['host', 'device-offline'],
  ['whatever', 'device-offline'],
] as const) {
  test(`assertReady: "${state}" is ${code}`, () => {
    const details = { serial: 'A', reason: state };
    assert.throws(() => assertReady(device('A', state)), { code, details });
    assert.throws(() => selectDevice([device('A', state)], any), { code });
  });
}
