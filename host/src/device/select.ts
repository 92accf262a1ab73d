import type { Device } from '../adb/device-list.js';
import { KhError } from '../core/error.js';

/** How the user named the device: adb's -s, -t, -d, -e, or nothing. */
export type DeviceSelector =
  | { readonly kind: 'serial'; readonly serial: string }
  | { readonly kind: 'transport'; readonly transportId: string }
  | { readonly kind: 'usb' }
  | { readonly kind: 'tcp' }
  | { readonly kind: 'any' };

/** Serials that adb itself treats as network or emulator devices. */
const tcpSerial = /^(emulator-\d+|.*:\d+|adb-.*\._adb(-tls-connect)?\._tcp\.?)$/;

/**
 * Picks the one ready device a selector names. Errors: `no-device`, `ambiguous-device` (with the choices),
 * `device-unauthorized`, `device-offline`.
 */
export function selectDevice(devices: readonly Device[], selector: DeviceSelector): Device {
  const matching = devices.filter((device) => matches(device, selector));
  const [first] = matching;
  if (first === undefined) {
    const choices = devices.map(describe);
    throw new KhError('no-device', `No ${formatSelector(selector)} is attached`, { choices });
  }
  if (matching.length === 1) return assertReady(first);
  const ready = matching.filter((device) => device.state === 'device');
  if (ready.length === 1 && ready[0] !== undefined && selector.kind !== 'serial') return ready[0];
  throw new KhError('ambiguous-device', `${matching.length} devices match ${formatSelector(selector)}`, {
    choices: matching.map(describe),
  });
}

function matches(device: Device, selector: DeviceSelector): boolean {
  switch (selector.kind) {
    case 'serial':
      return device.serial === selector.serial;
    case 'transport':
      return device.transportId === selector.transportId;
    case 'usb':
      return !tcpSerial.test(device.serial);
    case 'tcp':
      return tcpSerial.test(device.serial);
    case 'any':
      return true;
  }
}

/** Returns a device that commands can be sent to. Errors: `device-unauthorized`, `device-offline`. */
export function assertReady(device: Device): Device {
  const { serial, state } = device;
  if (state === 'device') return device;
  const details = { serial, reason: state };
  if (state === 'unauthorized' || state === 'authorizing' || state === 'no permissions') {
    throw new KhError('device-unauthorized', `Device ${serial} is in state "${state}"`, details);
  }
  throw new KhError('device-offline', `Device ${serial} is in state "${state}"`, details);
}

function describe(device: Device): string {
  return `${device.serial} (${device.state})`;
}

function formatSelector(selector: DeviceSelector): string {
  switch (selector.kind) {
    case 'serial':
      return `device with serial ${JSON.stringify(selector.serial)}`;
    case 'transport':
      return `device with transport id ${selector.transportId}`;
    case 'usb':
      return 'USB device';
    case 'tcp':
      return 'TCP device or emulator';
    case 'any':
      return 'device';
  }
}
