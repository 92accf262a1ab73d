import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDeviceList } from '../../../../host/src/adb/device-list.js';

/** Lines as servers of platform-tools 28 to 36 write them: serial padded to 22 columns. */
const captured = [
  [
    '0A051FDD4003BW         device usb:1-4.2 product:shiba model:Pixel_8 device:shiba transport_id:3',
    {
      serial: '0A051FDD4003BW',
      state: 'device',
      usb: '1-4.2',
      product: 'shiba',
      model: 'Pixel_8',
      deviceName: 'shiba',
      transportId: '3',
    },
  ],
  [
    '0A051FDD4003BW         device 1-4.2 product:shiba model:Pixel_8 device:shiba',
    {
      serial: '0A051FDD4003BW',
      state: 'device',
      usb: '1-4.2',
      product: 'shiba',
      model: 'Pixel_8',
      deviceName: 'shiba',
    },
  ],
  ['emulator-5554          offline transport_id:1', { serial: 'emulator-5554', state: 'offline', transportId: '1' }],
  [
    '192.168.1.7:5555       device product:p model:m device:d transport_id:12',
    {
      serial: '192.168.1.7:5555',
      state: 'device',
      product: 'p',
      model: 'm',
      deviceName: 'd',
      transportId: '12',
    },
  ],
  [
    '[fe80::1%eth0]:5555    unauthorized transport_id:4',
    { serial: '[fe80::1%eth0]:5555', state: 'unauthorized', transportId: '4' },
  ],
  [
    'adb-0A051FDD4003BW-x1 (2)._adb-tls-connect._tcp device product:p transport_id:9',
    {
      serial: 'adb-0A051FDD4003BW-x1 (2)._adb-tls-connect._tcp',
      state: 'device',
      product: 'p',
      transportId: '9',
    },
  ],
  ['my phone: no 1         recovery usb:2-1', { serial: 'my phone: no 1', state: 'recovery', usb: '2-1' }],
  [
    '????????????           no permissions (missing udev rules? user is in the plugdev group); see [http://developer.android.com/tools/device.html] usb:1-1 transport_id:2',
    {
      serial: '????????????',
      state: 'no permissions',
      transportId: '2',
    },
  ],
  [
    '0123456789ABCDEF       no permissions; see [http://developer.android.com/tools/device.html]',
    {
      serial: '0123456789ABCDEF',
      state: 'no permissions',
    },
  ],
  [
    '(no serial number)     device usb:1-2 product:p',
    { serial: '(no serial number)', state: 'device', usb: '1-2', product: 'p' },
  ],
  ['(no serial number)     no permissions', { serial: '(no serial number)', state: 'no permissions' }],
  ['LONGERTHANTWENTYTWOCOLUMNS1234 sideload', { serial: 'LONGERTHANTWENTYTWOCOLUMNS1234', state: 'sideload' }],
  ['X                      bootloader', { serial: 'X', state: 'bootloader' }],
  [
    'X                      device features:shell_v2,cmd transport_id:5',
    { serial: 'X', state: 'device', transportId: '5' },
  ],
] as const;

for (const [line, device] of captured) {
  test(`parseDeviceList: ${line.slice(0, 46).replace(/ +/g, ' ')}…`, () => {
    assert.deepEqual(parseDeviceList(`${line}\n`), [device]);
  });
}

test('parseDeviceList reads all lines in order, LF or CRLF, with or without a last one', () => {
  const devices = captured.map(([, device]) => device);
  const lines = captured.map(([line]) => line);
  assert.deepEqual(parseDeviceList(lines.join('\n')), devices);
  assert.deepEqual(parseDeviceList(`${lines.join('\r\n')}\r\n`), devices);
});

test('parseDeviceList: nothing, blank lines and lines without a state are no devices', () => {
  assert.deepEqual(parseDeviceList(''), []);
  assert.deepEqual(parseDeviceList('\r\n\n   \n'), []);
  assert.deepEqual(parseDeviceList('lonely\n'), []);
});

test('parseDeviceList passes over fields of servers to come', () => {
  const line = 'X  device usb:1-1 speed:5000 transport_id:5 connection_type:usb toString:1 __proto__:x';
  assert.deepEqual(parseDeviceList(line), [{ serial: 'X', state: 'device', usb: '1-1', transportId: '5' }]);
});
