/** A line of `adb devices -l`. All text comes from the server; the serial may hold spaces. */
export interface Device {
  readonly serial: string;
  /** `device`, `offline`, `unauthorized`, `recovery`, `no permissions` … */
  readonly state: string;
  /** Absent with servers older than platform-tools 28. */
  readonly transportId?: string;
  readonly product?: string;
  readonly model?: string;
  readonly deviceName?: string;
  /** USB path, where the device hangs on a USB port. */
  readonly usb?: string;
}

const fieldName = {
  transport_id: 'transportId',
  product: 'product',
  model: 'model',
  device: 'deviceName',
  usb: 'usb',
} as const;

/**
 * Parses the answer to `host:devices-l`. A line is: serial padded to 22 columns, a space, the state, then `key:value`
 * words; `no permissions (…); see [url]` is the one state with spaces. It is read from the right, because a serial may
 * contain spaces and colons (AOSP transport.cpp, append_transport()).
 */
export function parseDeviceList(text: string): readonly Device[] {
  return text.split('\n').flatMap((line) => {
    const device = parseDeviceLine(line.replace(/\r$/, ''));
    return device ? [device] : [];
  });
}

function parseDeviceLine(line: string): Device | undefined {
  const permissions = /^(.*?)\s+(no permissions)\b.*?(\btransport_id:\d+)?\s*$/.exec(line);
  if (permissions) return makeDevice(permissions[1], 'no permissions', [permissions[3] ?? '']);
  const words = line.split(' ');
  const fields: string[] = [];
  while (words.length > 0 && /^[a-z_]+:|^\d+-[\d.]+$|^$/i.test(words.at(-1) ?? '')) {
    fields.unshift(words.pop() ?? '');
  }
  const state = words.pop();
  return state === undefined ? undefined : makeDevice(words.join(' ').trimEnd(), state, fields);
}

function makeDevice(serial: string | undefined, state: string, words: readonly string[]): Device | undefined {
  if (serial === undefined || serial === '' || state === '') return undefined;
  const fields: Record<string, string> = {};
  for (const word of words) {
    const colon = word.indexOf(':');
    const key = word.slice(0, Math.max(colon, 0));
    if (Object.hasOwn(fieldName, key)) fields[fieldName[key as keyof typeof fieldName]] = word.slice(colon + 1);
    // USB devices carry their bus path without a key on Linux: `1-4.2`.
    else if (/^\d+-[\d.]+$/.test(word)) fields['usb'] = word;
  }
  return { serial, state, ...fields };
}
