// A program for test/agent/native.test.ts: calls the functions of "native" and prints, as JSON, what they returned.
import * as native from 'native';
import * as os from 'os';
import * as std from 'std';
import { closeOneByOne, detach } from '../src/detach.js';
import { errorCommands } from './native-errors.js';

type Command = (args: readonly string[]) => unknown;

const commands: Readonly<Record<string, Command>> = {
  ...errorCommands,
  identity: () => ({
    pid: native.pid(),
    uid: native.uid(),
    uname: native.uname(),
    boot: native.bootMilliseconds(),
    args: scriptArgs.slice(1),
  }),
  constants: () => ({ ...native, isAligned: native.SHA256_STATE % 8 === 0 }),
  sha256: (sizes) => sizes.map((size) => hex(digestInPieces(Number(size)))),
  sha256Speed,
  sockets: ([path = '', abstract = '']) => ({ path: useSocket(path), abstract: useSocket(abstract), pair: usePair() }),
  badNames: (names) => names.map((name) => [native.listen(name), native.connect(name)]),
  readFull: ([path, length]) => readFull(path === '-' ? 0 : openFile(path), Number(length)),
  holdLock: ([path]) => holdLock(openFile(path)),
  tryLock: ([path]) => tryLock(openFile(path)),
  setName: ([name = '']) => {
    native.setName(name);
    return readText('/proc/self/comm');
  },
  closeOneByOne: () => {
    const [kept = -1] = [1, 2, 3].map(() => os.open('/dev/null', os.O_RDONLY));
    closeOneByOne([kept]);
    return { open: os.readdir('/proc/self/fd')[0], kept };
  },
  daemon: () => runDaemon(),
  forkAfterOutput: () => {
    // The first line is never held back.
    std.out.puts('\n');
    std.out.puts('"once"\n');
    const child = native.fork();
    if (child > 0) os.waitpid(child, 0);
  },
  modules: () => [native.loadModule(-1, '', 0), native.loadModule(0, '', 0), native.unloadModule('no-such-module')],
  brokenPipe: () => {
    const [one, other] = pairOf(native.socketpair());
    os.close(other);
    return os.write(one, new ArrayBuffer(1), 0, 1);
  },
};

function hex(buffer: ArrayBuffer): string {
  return Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The digest of size bytes, 0 1 2 … 250 0 1 …, given in pieces of all lengths. */
function digestInPieces(size: number): ArrayBuffer {
  const state = new ArrayBuffer(native.SHA256_STATE);
  const data = Uint8Array.from({ length: size }, (_, at) => at % 251).buffer;
  for (let at = 0, piece = 0; at < size; at += piece) {
    piece = Math.min(size - at, piece + 1);
    native.sha256(state, data, at, piece);
  }
  return native.sha256(state, null);
}

function sha256Speed(): number {
  const data = new ArrayBuffer(1 << 22);
  const state = new ArrayBuffer(native.SHA256_STATE);
  const begin = native.bootMilliseconds();
  for (let round = 0; round < 32; round++) native.sha256(state, data, 0, data.byteLength);
  return (32 * 4 * 1000) / (native.bootMilliseconds() - begin);
}

function pairOf(value: readonly [number, number] | number): readonly [number, number] {
  if (typeof value === 'number') throw new Error(`errno ${-value}`);
  return value;
}

/** Both ends of a connection in one process. */
function useSocket(name: string): unknown {
  const refused = native.connect(name);
  const listening = native.listen(name);
  const nobody = native.accept(listening);
  const again = native.listen(name);
  const client = native.connect(name);
  const server = native.accept(listening);
  const empty = os.read(server, new ArrayBuffer(4), 0, 4);
  const peers = [native.peerCredentials(client), native.peerCredentials(server)];
  const results = { refused, nobody, again, peers, empty, echoed: echo(client, server) };
  for (const fd of [client, server, listening]) os.close(fd);
  return results;
}

function usePair(): unknown {
  const [one, other] = pairOf(native.socketpair());
  const on = native.setNonblock(one, true);
  const empty = os.read(one, new ArrayBuffer(1), 0, 1);
  const off = native.setNonblock(one, false);
  return {
    on,
    empty,
    off,
    echoed: echo(one, other),
    peer: native.peerCredentials(one),
    none: native.peerCredentials(-1),
  };
}

function echo(from: number, to: number): string {
  const sent = Uint8Array.from([1, 2, 3]).buffer;
  os.write(from, sent, 0, 3);
  const got = new ArrayBuffer(3);
  native.readFull(to, got, 0, 3);
  return hex(got);
}

function openFile(path = ''): number {
  const fd = os.open(path, os.O_RDONLY);
  if (fd < 0) throw new Error(`${path}: errno ${-fd}`);
  return fd;
}

/** The count, and the digest of what was read. */
function readFull(fd: number, length: number): [number, string] {
  const buffer = new ArrayBuffer(length + 10);
  const count = native.readFull(fd, buffer, 10, length);
  const state = new ArrayBuffer(native.SHA256_STATE);
  native.sha256(state, buffer, 10, Math.max(count, 0));
  return [count, hex(native.sha256(state, null))];
}

function readText(path: string): string {
  const buffer = new ArrayBuffer(4096);
  const fd = openFile(path);
  const count = native.readFull(fd, buffer, 0, 4096);
  os.close(fd);
  return String.fromCharCode(...new Uint8Array(buffer, 0, count));
}

/** Holds a lock from the line it prints until its input ends. */
function holdLock(fd: number): unknown {
  print({ locked: native.lock(fd, true) });
  os.setReadHandler(0, () => {
    os.setReadHandler(0, null);
    print({ unlocked: native.unlock(fd) });
  });
  return undefined;
}

function tryLock(fd: number): number[] {
  return [native.lock(fd, false), native.lock(fd, true)];
}

/** A child that detaches tells what it is then, and lives on until its parent is told. */
function runDaemon(): unknown {
  const [mine, its] = pairOf(native.socketpair());
  os.open('/dev/null', os.O_RDONLY);
  const child = native.fork();
  if (child === 0) {
    const detached = detach([its]);
    const state = { detached, again: detach([its]), open: os.readdir('/proc/self/fd')[0].sort(), kept: its };
    send(its, JSON.stringify({ ...state, pid: native.pid(), cwd: links(['cwd', 'fd/0', 'fd/1', 'fd/2']) }));
    // Nobody waits for a daemon: the test sees that its end is not waited for.
    os.setTimeout(() => std.exit(0), 60_000);
    return undefined;
  }
  os.close(its);
  const told = receive(mine);
  return { parent: native.pid(), child, told: JSON.parse(told) as unknown };
}

function send(fd: number, text: string): void {
  const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0)).buffer;
  os.write(fd, bytes, 0, bytes.byteLength);
  os.close(fd);
}

function receive(fd: number): string {
  const buffer = new ArrayBuffer(4096);
  return String.fromCharCode(...new Uint8Array(buffer, 0, native.readFull(fd, buffer, 0, 4096)));
}

/** os has no readlink: the devices and inodes are compared instead. */
function links(names: readonly string[]): readonly boolean[] {
  const same = ['/', '/dev/null', '/dev/null', '/dev/null'];
  return names.map((name, at) => inode(`/proc/self/${name}`) === inode(same[at] ?? ''));
}

function inode(path: string): string {
  return JSON.stringify(os.stat(path)[0], ['dev', 'ino']);
}

function print(value: unknown): void {
  if (value !== undefined) std.out.puts(`${JSON.stringify(value)}\n`);
}

// As the agent does.
os.signal(os.SIGPIPE, undefined);
const [, name = '', ...args] = scriptArgs;
print(commands[name]?.(args));
