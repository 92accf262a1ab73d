import { once } from 'node:events';
import { type NetConnectOpts, type Socket, connect } from 'node:net';
import { type Context, abortError } from '../core/context.js';
import { KhError, errnoOf, isKhError } from '../core/error.js';
import { listAdbBinaries } from './adb-binary.js';
import { type ServerAddress, formatServerAddress, isLoopback } from './server-address.js';
import { type ServerLink, readStatus, readValue, writeRequest } from './smart-socket.js';

/** An adb server as we reach it. Immutable; nothing is open until a service is. */
export interface AdbServer {
  readonly address: ServerAddress;
  /** Programs to try if a server has to be started on this machine. */
  readonly binaries: readonly string[];
}

export function makeAdbServer(address: ServerAddress, env: NodeJS.ProcessEnv): AdbServer {
  return { address, binaries: listAdbBinaries(env) };
}

/**
 * Connects to the adb server. If nobody listens and the address is this machine's, starts a server once; a server is
 * never started elsewhere and never killed. The caller owns the link: destroy its socket.
 * Errors: `adb-unreachable`, `tool-missing`, `cancelled`, `timeout`.
 */
export async function openLink(server: AdbServer, ctx: Context): Promise<ServerLink> {
  try {
    return await connectLink(server, ctx);
  } catch (error) {
    if (!isKhError(error, 'adb-unreachable') || !mayStart(error, server.address)) throw error;
    await startServer(server, ctx, error);
    return connectLink(server, ctx);
  }
}

function mayStart(error: KhError, address: ServerAddress): boolean {
  const absent = error.details.reason === 'ECONNREFUSED' || error.details.reason === 'ENOENT';
  return absent && isLoopback(address);
}

/** adb's server takes IPv4's loopback address before IPv6's; looking `localhost` up would take some milliseconds. */
function connectTarget(address: ServerAddress): NetConnectOpts {
  if (address.kind === 'local') return { path: address.path };
  return { host: address.host === 'localhost' ? '127.0.0.1' : address.host, port: address.port };
}

/** Not by adbkit's Connection: loading it (with Bluebird) takes 15 ms, a seventh of a warm pull. */
async function connectLink(server: AdbServer, ctx: Context): Promise<ServerLink> {
  const { address } = server;
  const socket = connect(connectTarget(address)).setNoDelay(true);
  // Who reads from the socket learns of the failure; nobody else has to.
  socket.on('error', () => undefined);
  try {
    await once(socket, 'connect', { signal: ctx.signal });
    return { socket };
  } catch (error) {
    socket.destroy();
    if (ctx.signal.aborted) throw abortError(ctx.signal);
    const where = formatServerAddress(address);
    const reason = errnoOf(error) ?? 'unknown';
    throw new KhError('adb-unreachable', `No adb server answers at ${where}`, { expected: where, reason }, error);
  }
}

/** Starts a server with the first adb program there is. Errors: `tool-missing`, `adb-unreachable`. */
async function startServer(server: AdbServer, ctx: Context, unreachable: KhError): Promise<void> {
  const { runProgram } = await import('../core/child-process.js');
  const { address } = server;
  // adb listens by no other name (AOSP socket_spec.cpp, tcp_host_is_local()).
  const where = address.kind === 'tcp' ? `tcp:localhost:${address.port}` : formatServerAddress(address);
  for (const binary of server.binaries) {
    try {
      const { code, stderr } = await runProgram(binary, ['-L', where, 'start-server'], ctx);
      if (code === 0) return;
      throw new KhError('adb-unreachable', `${binary} cannot start a server`, {
        ...unreachable.details,
        output: stderr,
      });
    } catch (error) {
      if (!isKhError(error, 'tool-missing')) throw error;
    }
  }
  throw new KhError('tool-missing', 'No adb program was found to start a server with', {
    ...unreachable.details,
    tried: server.binaries,
  });
}

/** Sends one request on a fresh link and returns the link after OKAY. The caller destroys its socket. */
export async function openHostService(server: AdbServer, service: string, ctx: Context): Promise<ServerLink> {
  return openServices(server, [service], ctx);
}

/**
 * Sends requests one after the other on one link, each acknowledged (a transport, then a device service). `written` is called
 * when the last has been written: its answer takes a device's time.
 */
export async function openServices(
  server: AdbServer,
  services: readonly string[],
  ctx: Context,
  written?: () => void,
): Promise<ServerLink> {
  const link = await openLink(server, ctx);
  const abort = (): void => void link.socket.destroy(abortError(ctx.signal));
  ctx.signal.addEventListener('abort', abort, { once: true });
  try {
    for (const [index, service] of services.entries()) {
      ctx.report({ kind: 'trace', what: 'adb', text: service });
      writeRequest(link, service);
      if (index === services.length - 1) written?.();
      await readStatus(link);
    }
    return link;
  } catch (error) {
    link.socket.destroy();
    throw ctx.signal.aborted ? abortError(ctx.signal) : error;
  } finally {
    ctx.signal.removeEventListener('abort', abort);
  }
}

/** The one value (hex4 length + text) most host services answer with. */
export async function readHostValue(server: AdbServer, service: string, ctx: Context): Promise<string> {
  const link = await openHostService(server, service, ctx);
  const detach = destroyOnAbort(link.socket, ctx);
  try {
    return await readValue(link);
  } catch (error) {
    if (ctx.signal.aborted) throw abortError(ctx.signal);
    throw new KhError('adb-protocol', `The adb server broke off its answer to ${service}`, {}, error);
  } finally {
    detach();
    link.socket.destroy();
  }
}

/** Ends a socket when the context is cancelled; returns the function that takes the listener off again. */
export function destroyOnAbort(socket: Socket, ctx: Context): () => void {
  const abort = (): void => void socket.destroy(abortError(ctx.signal));
  if (ctx.signal.aborted) abort();
  else ctx.signal.addEventListener('abort', abort, { once: true });
  return () => ctx.signal.removeEventListener('abort', abort);
}
