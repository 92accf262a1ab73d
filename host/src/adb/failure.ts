import { KhError } from '../core/error.js';

/**
 * Turns the text of an adb FAIL into an error. adb has no codes for these; the texts are those of AOSP's transport.cpp
 * and sockets.cpp, unchanged since 2016 but for the additions in brackets.
 */
export function parseFailure(text: string): KhError {
  const details = { output: text.slice(0, 1000) };
  if (/^device unauthorized/.test(text)) {
    return new KhError('device-unauthorized', 'The device does not trust this host', details);
  }
  if (/^device still (connecting|authorizing)/.test(text)) {
    return new KhError('device-offline', 'The device is not ready yet', details);
  }
  if (/^device offline/.test(text)) return new KhError('device-offline', 'The device is offline', details);
  if (/^more than one (device|emulator|USB device)/.test(text)) {
    return new KhError('ambiguous-device', 'More than one device matches', details);
  }
  if (/^(device '.*' not found|no devices|no emulators|no device with transport id)/s.test(text)) {
    return new KhError('no-device', 'No such device', details);
  }
  if (text === 'closed') return new KhError('device-failed', 'The device refused the service', details);
  return new KhError('device-failed', 'adb refused the request', details);
}
