import type { Argv } from 'yargs';
import {
  type AttemptKind,
  type DeviceSelector,
  KhError,
  type PullOptions,
  type RootPolicy,
  type ServerFlags,
} from '../pulling.js';

/** adb's own words for choosing a device and a server. */
export interface DeviceArguments {
  readonly serial?: string | undefined;
  readonly transportId?: string | undefined;
  readonly usb?: boolean | undefined;
  readonly tcp?: boolean | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly socket?: string | undefined;
}

export function addServerOptions<T>(parser: Argv<T>): Argv<T & Pick<DeviceArguments, 'host' | 'port' | 'socket'>> {
  return parser
    .option('host', {
      alias: 'H',
      type: 'string',
      requiresArg: true,
      describe: 'Host of the adb server [default: localhost]',
    })
    .option('port', {
      alias: 'P',
      type: 'number',
      requiresArg: true,
      describe: 'Port of the adb server [default: 5037]',
    })
    .option('socket', {
      alias: 'L',
      type: 'string',
      requiresArg: true,
      describe: 'Socket of the adb server (tcp:…, localfilesystem:…)',
    });
}

export function addDeviceOptions<T>(parser: Argv<T>): Argv<T & DeviceArguments> {
  return addServerOptions(parser)
    .option('serial', {
      alias: 's',
      type: 'string',
      requiresArg: true,
      describe: 'Device with this serial [default: $ANDROID_SERIAL]',
    })
    .option('transport-id', {
      alias: 't',
      type: 'string',
      requiresArg: true,
      describe: 'Device with this transport id',
    })
    .option('usb', { alias: 'd', type: 'boolean', describe: 'The only USB device' })
    .option('tcp', { alias: 'e', type: 'boolean', describe: 'The only TCP device or emulator' });
}

/** The selector the flags name; undefined where they name none. Errors: `usage` for more than one. */
export function selectorOf(args: DeviceArguments): DeviceSelector | undefined {
  const given: DeviceSelector[] = [];
  if (args.serial !== undefined) given.push({ kind: 'serial', serial: args.serial });
  if (args.transportId !== undefined) given.push({ kind: 'transport', transportId: args.transportId });
  if (args.usb === true) given.push({ kind: 'usb' });
  if (args.tcp === true) given.push({ kind: 'tcp' });
  if (given.length > 1) throw new KhError('usage', 'Only one of -s, -t, -d and -e can be given');
  return given[0];
}

export function serverOf({ host, port, socket }: DeviceArguments): ServerFlags {
  return { host, port, socket };
}

export interface PullArguments extends DeviceArguments {
  readonly all?: boolean | undefined;
  readonly root?: RootPolicy | undefined;
  readonly load?: boolean | undefined;
  readonly source?: readonly AttemptKind[] | undefined;
  readonly force?: boolean | undefined;
  readonly agent?: boolean | undefined;
  readonly wait?: string | undefined;
  readonly fromImage?: string | undefined;
  readonly cache?: string | undefined;
}

/** The library's options from the arguments of `pull`. Errors: `usage`. */
export function pullOptionsOf(args: PullArguments): PullOptions {
  const sources = (args.source ?? ['live', 'module', 'carve']).filter(
    (kind) => kind !== 'module' || args.load !== false,
  );
  return {
    adb: serverOf(args),
    cacheDir: args.cache,
    device: selectorOf(args),
    root: args.root,
    sources,
    force: args.force,
    agent: args.agent,
    waitSeconds: waitOf(args.wait),
    image: args.fromImage,
  };
}

/** `--wait` alone waits for ever, `--wait=S` for so many seconds. */
function waitOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (text === '') return Infinity;
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds >= 0) return seconds;
  throw new KhError('usage', '--wait takes seconds', { actual: text });
}
