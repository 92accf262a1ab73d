import { KhError } from '../core/error.js';

/** Where an adb server listens: a TCP endpoint, or the path of a local socket. */
export type ServerAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'local'; readonly path: string };

/** adb's own flags: -H, -P and -L. */
export interface ServerFlags {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly socket?: string | undefined;
}

const defaultPort = 5037;

/**
 * Finds the adb server the way adb does: -L, or -H and -P, silence the environment; then ADB_SERVER_SOCKET; then
 * ANDROID_ADB_SERVER_ADDRESS and ANDROID_ADB_SERVER_PORT; then tcp:localhost:5037 (AOSP client/commandline.cpp,
 * adb_commandline()). Errors: `usage`.
 */
export function parseServerAddress(flags: ServerFlags, env: NodeJS.ProcessEnv): ServerAddress {
  if (flags.socket !== undefined) {
    if (flags.host !== undefined || flags.port !== undefined) {
      throw new KhError('usage', '-L cannot be combined with -H or -P');
    }
    return parseSocketSpec(flags.socket, '-L');
  }
  if (flags.host !== undefined || flags.port !== undefined) {
    return { kind: 'tcp', host: flags.host ?? 'localhost', port: checkPort(flags.port ?? defaultPort, '-P') };
  }
  const spec = env['ADB_SERVER_SOCKET'];
  if (spec !== undefined && spec !== '') return parseSocketSpec(spec, 'ADB_SERVER_SOCKET');
  const port = env['ANDROID_ADB_SERVER_PORT'];
  return {
    kind: 'tcp',
    host: env['ANDROID_ADB_SERVER_ADDRESS'] || 'localhost',
    port: port ? checkPort(Number(port), 'ANDROID_ADB_SERVER_PORT') : defaultPort,
  };
}

/** `tcp:PORT`, `tcp:HOST:PORT`, `localfilesystem:PATH` or `localabstract:NAME`. Errors: `usage`. */
function parseSocketSpec(spec: string, origin: string): ServerAddress {
  const tcp = /^tcp:(?:(.+):)?(\d+)$/.exec(spec);
  if (tcp) {
    const host = (tcp[1] ?? 'localhost').replace(/^\[(.*)\]$/, '$1');
    return { kind: 'tcp', host, port: checkPort(Number(tcp[2]), origin) };
  }
  const local = /^local(filesystem|abstract):(.+)$/.exec(spec);
  // Node addresses Linux's abstract namespace by a leading NUL.
  if (local?.[2] !== undefined) return { kind: 'local', path: local[1] === 'abstract' ? `\0${local[2]}` : local[2] };
  throw new KhError('usage', `${origin} is not a socket specification adb knows: ${JSON.stringify(spec)}`, {
    expected: 'tcp:PORT, tcp:HOST:PORT, localfilesystem:PATH or localabstract:NAME',
  });
}

function checkPort(port: number, origin: string): number {
  if (Number.isInteger(port) && port > 0 && port < 65536) return port;
  throw new KhError('usage', `${origin} is not a port number`);
}

/** True if a server may be started there when none answers: only on this very machine. */
export function isLoopback(address: ServerAddress): boolean {
  if (address.kind === 'local') return true;
  return /^(localhost|127(\.\d{1,3}){3}|::1)$/.test(address.host);
}

/** The address as adb's -L takes it. */
export function formatServerAddress(address: ServerAddress): string {
  if (address.kind === 'tcp') {
    const host = address.host.includes(':') ? `[${address.host}]` : address.host;
    return `tcp:${host}:${address.port}`;
  }
  return address.path.startsWith('\0') ? `localabstract:${address.path.slice(1)}` : `localfilesystem:${address.path}`;
}
