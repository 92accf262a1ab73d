import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import type { TestContext } from 'node:test';

/**
 * An adb server that follows a script: it speaks the smart-socket protocol of the real one (AOSP OVERVIEW.TXT) and
 * shell protocol v2, and can break every rule of them. Only for faults that no real phone can be made to show.
 */
export interface ServerScript {
  /** Answers to `host:devices-l`, and what can be addressed by serial and transport id. Asked for every request. */
  readonly devices?: readonly ScriptedDevice[] | (() => readonly ScriptedDevice[]);
  /** What `host:devices-l` says instead. */
  readonly listing?: string;
  /** Takes a request over: return true if it was answered, or is to stay without an answer. */
  readonly intercept?: (request: string, wire: Wire) => boolean;
  /** Everything is sent in pieces of so many bytes, each in a turn of its own. */
  readonly pieceBytes?: number;
}

export interface ScriptedDevice {
  readonly serial: string;
  /** Default `device`. */
  readonly state?: string;
  readonly transportId?: number;
  /** Text with which the server refuses to connect to it. */
  readonly refusal?: string;
  readonly shell?: ShellHandler;
  /** Services beside the shell: `root:`. */
  readonly service?: (name: string, wire: Wire) => void;
}

export type ShellHandler = (shell: ScriptedShell) => void;

/** One connection, seen from the server. Everything is sent in the order of the calls. */
export interface Wire {
  send(data: string | Uint8Array): void;
  okay(): void;
  /** Four hex digits of length, then the text. */
  value(text: string): void;
  fail(text: string): void;
  /** Ends the connection once everything is sent. */
  end(): void;
  /** Takes what comes after the request that opened a service; what has come already comes at once. */
  onData(handler: (chunk: Buffer) => void): void;
  /** Bytes that the other side has not taken yet. */
  unsent(): number;
  /** Settles when the other side has gone. */
  readonly closed: Promise<void>;
}

/** One command on the device, seen from the device. */
export interface ScriptedShell {
  readonly command: string;
  readonly wire: Wire;
  stdout(data: string | Uint8Array): void;
  stderr(data: string | Uint8Array): void;
  /** Takes standard input: its pieces, then undefined at its end. */
  onInput(handler: (bytes: Buffer | undefined) => void): void;
  /** The exit frame, then the end of the stream, as adbd does it. */
  exit(code?: number): void;
  /** Ends the stream without an exit frame: the cable is out. */
  cut(): void;
}

export interface ScriptedServer {
  readonly port: number;
  /** Every request so far, in order. */
  readonly requests: readonly string[];
  /** How many connections are open now. */
  connections(): number;
}

/** A shell frame as bytes: u8 id, u32le length, content. `claimed` is the length it says it has. */
export function shellFrame(id: number, data: string | Uint8Array, claimed?: number): Buffer {
  const content = Buffer.from(data);
  const header = Buffer.alloc(5);
  header.writeUInt8(id, 0);
  header.writeUInt32LE(claimed ?? content.length, 1);
  return Buffer.concat([header, content]);
}

/** Starts a scripted server on a free port; it ends with the test. */
export async function startScriptedServer(t: TestContext, script: ServerScript): Promise<ScriptedServer> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    serve(socket, script, requests);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: (server.address() as AddressInfo).port, requests, connections: () => sockets.size };
}

/** A port of this machine on which nobody listens. */
export async function findClosedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function serve(socket: Socket, script: ServerScript, requests: string[]): void {
  const input = new ServiceInput();
  const wire = makeWire(socket, script.pieceBytes, input);
  let pending = Buffer.alloc(0);
  let device: ScriptedDevice | undefined;
  let inService = false;
  socket.on('data', (chunk: Buffer) => {
    if (inService) return input.push(chunk);
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 4) {
      const end = 4 + parseInt(pending.subarray(0, 4).toString('latin1'), 16);
      if (!(pending.length >= end)) return;
      const request = pending.subarray(4, end).toString('utf8');
      pending = pending.subarray(end);
      requests.push(request);
      if (script.intercept?.(request, wire) === true) continue;
      if (device === undefined) device = answerServer(request, wire, script);
      else {
        answerDevice(request, wire, device);
        inService = true;
        return input.push(pending);
      }
    }
  });
}

/** What a client sends to a service, kept until somebody takes it. */
class ServiceInput {
  #kept: Buffer[] = [];
  #handler: ((chunk: Buffer) => void) | undefined;

  push(chunk: Buffer): void {
    if (this.#handler === undefined) this.#kept.push(chunk);
    else if (chunk.length > 0) this.#handler(chunk);
  }

  take(handler: (chunk: Buffer) => void): void {
    this.#handler = handler;
    for (const chunk of this.#kept.splice(0)) this.push(chunk);
  }
}

/** Returns the device, where the request chose one. */
function answerServer(request: string, wire: Wire, script: ServerScript): ScriptedDevice | undefined {
  const devices = typeof script.devices === 'function' ? script.devices() : (script.devices ?? []);
  if (request === 'host:devices-l') {
    wire.okay();
    wire.value(script.listing ?? devices.map((device) => `${formatDevice(device)}\n`).join(''));
    wire.end();
    return undefined;
  }
  const [, bySerial, byId] = /^host:transport(?::(.*)|-id:(.*))$/s.exec(request) ?? [];
  if (bySerial === undefined && byId === undefined) {
    wire.fail(`unknown host service '${request}'`);
    return undefined;
  }
  const found = devices.find(({ serial, transportId }) => serial === bySerial || String(transportId) === byId);
  if (found === undefined) wire.fail(byId ? `no device with transport id '${byId}'` : `device '${bySerial}' not found`);
  else if (found.refusal !== undefined) wire.fail(found.refusal);
  else {
    wire.okay();
    return found;
  }
  return undefined;
}

function formatDevice({ serial, state, transportId }: ScriptedDevice): string {
  const id = transportId === undefined ? '' : ` transport_id:${transportId}`;
  return `${serial.padEnd(22)} ${state ?? 'device'} product:p model:Pixel_8 device:d${id}`;
}

function answerDevice(request: string, wire: Wire, device: ScriptedDevice): void {
  const command = /^shell,v2,raw:(.*)$/s.exec(request)?.[1];
  if (command === undefined && device.service !== undefined) {
    device.service(request, wire);
  } else if (command === undefined || device.shell === undefined) {
    wire.fail('closed');
  } else {
    wire.okay();
    device.shell({
      command,
      wire,
      stdout: (data) => wire.send(shellFrame(1, data)),
      stderr: (data) => wire.send(shellFrame(2, data)),
      onInput: (handler) => wire.onData(splitInput(handler)),
      exit(code = 0) {
        wire.send(shellFrame(3, Uint8Array.of(code)));
        wire.end();
      },
      cut: () => wire.end(),
    });
  }
}

/** Takes shell frames apart: 0 is standard input, 4 its end. */
function splitInput(handler: (bytes: Buffer | undefined) => void): (chunk: Buffer) => void {
  let pending = Buffer.alloc(0);
  return (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 5 && pending.length >= 5 + pending.readUInt32LE(1)) {
      const end = 5 + pending.readUInt32LE(1);
      const frame = pending.subarray(0, end);
      pending = pending.subarray(end);
      if (frame[0] === 0) handler(frame.subarray(5));
      else if (frame[0] === 4) handler(undefined);
    }
  };
}

function makeWire(socket: Socket, pieceBytes: number | undefined, input: ServiceInput): Wire {
  let last: Promise<unknown> = Promise.resolve();
  const closed = new Promise<void>((resolve) => void socket.once('close', () => resolve()));
  const send = (data: string | Uint8Array): void => {
    const bytes = Buffer.from(data);
    if (pieceBytes === undefined) socket.write(bytes);
    else last = last.then(() => sendPieces(socket, bytes, pieceBytes));
  };
  const value = (text: string): void => send(Buffer.byteLength(text).toString(16).padStart(4, '0') + text);
  return {
    send,
    value,
    okay: () => send('OKAY'),
    fail(text) {
      send('FAIL');
      value(text);
      this.end();
    },
    onData: (handler) => input.take(handler),
    unsent: () => socket.writableLength,
    end: () => void (pieceBytes === undefined ? socket.end() : last.then(() => socket.end())),
    closed,
  };
}

async function sendPieces(socket: Socket, bytes: Buffer, pieceBytes: number): Promise<void> {
  for (let at = 0; at < bytes.length && !socket.destroyed; at += pieceBytes) {
    socket.write(bytes.subarray(at, at + pieceBytes));
    await setImmediate();
  }
}
