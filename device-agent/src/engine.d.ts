/**
 * What the engine gives a program: the parts of QuickJS's own modules `os` and `std` that we use, and `native`, our C
 * (native/agent.c). Functions return a number >= 0 on success and -errno on failure, unless said otherwise.
 */
declare module 'os' {
  export const O_RDONLY: number, O_WRONLY: number, O_RDWR: number, O_CREAT: number, O_EXCL: number;
  export const SIGTERM: number, SIGPIPE: number, SIGCHLD: number;
  export function open(path: string, flags: number, mode?: number): number;
  export function close(fd: number): number;
  export function read(fd: number, buffer: ArrayBuffer, offset: number, length: number): number;
  export function write(fd: number, buffer: ArrayBuffer, offset: number, length: number): number;
  export function seek(fd: number, offset: number, whence: number): number;
  export function remove(path: string): number;
  export function rename(from: string, to: string): number;
  /** One handler a descriptor; null removes it. */
  export function setReadHandler(fd: number, handler: (() => void) | null): void;
  export function setWriteHandler(fd: number, handler: (() => void) | null): void;
  export function setTimeout(handler: () => void, milliseconds: number): object;
  export function clearTimeout(timer: object): void;
  /** undefined: ignore; null: the default action. */
  export function signal(number: number, handler: (() => void) | null | undefined): void;
  export function exec(
    args: readonly string[],
    options?: { block?: boolean; stdin?: number; stdout?: number; stderr?: number; usePath?: boolean },
  ): number;
  export function waitpid(pid: number, options: number): [pid: number, status: number];
  export function dup2(fd: number, as: number): number;
  export function chdir(path: string): number;
  export function pipe(): [read: number, write: number] | null;
  /** mode, size, mtime and so on, and an errno or 0. */
  export function stat(
    path: string,
  ): [{ readonly size: number; readonly mode: number; readonly uid: number } | null, number];
  export function readdir(path: string): [names: string[], errno: number];
}

declare module 'std' {
  export function exit(code: number): never;
  export function gc(): void;
  export const err: { puts(text: string): void; flush(): void };
  export const out: { puts(text: string): void; flush(): void };
}

declare module 'native' {
  export const O_NONBLOCK: number, O_CLOEXEC: number, O_NOFOLLOW: number;
  export const ENOENT: number, EINTR: number, EAGAIN: number, EACCES: number, EBUSY: number;
  export const EEXIST: number, EINVAL: number, EPIPE: number, EADDRINUSE: number, ECONNREFUSED: number;
  /** Size of the state sha256() works on: a zeroed ArrayBuffer of that size begins a digest. */
  export const SHA256_STATE: number;

  /** A listening unix stream socket, non-blocking. "@name" is the abstract namespace, anything else a path. */
  export function listen(name: string): number;
  /** A connected one, blocking; made non-blocking by setNonblock(). */
  export function connect(name: string): number;
  /** The next connection, non-blocking. */
  export function accept(fd: number): number;
  /** Two connected stream sockets, both close-on-exec. */
  export function socketpair(): [number, number] | number;
  /** Who is at the other end (SO_PEERCRED). */
  export function peerCredentials(fd: number): [pid: number, uid: number] | number;
  export function setNonblock(fd: number, on: boolean): number;

  /** finit_module(2). */
  export function loadModule(fd: number, parameters: string, flags: number): number;
  /** delete_module(2) with O_NONBLOCK: never waits for a user of the module. */
  export function unloadModule(name: string): number;
  /** flock(2) with LOCK_NB. */
  export function lock(fd: number, exclusive: boolean): number;
  /** flock(2) LOCK_UN. */
  export function unlock(fd: number): number;

  /** fork(2): 0 in the child. */
  export function fork(): number;
  /** setsid(2). */
  export function setsid(): number;
  /** close_range(2): closes all descriptors from first to last; -1 is the largest. -ENOSYS before Linux 5.9. */
  export function closeRange(first: number, last: number): number;
  /** The name in /proc/PID/comm, of which there are 15 characters. */
  export function setName(name: string): number;
  export function pid(): number;
  export function uid(): number;
  /** uname(2): release and machine. */
  export function uname(): [release: string, machine: string];

  /** Reads until length bytes are there or the file ends, coalescing short reads; what was read before an error counts. */
  export function readFull(fd: number, buffer: ArrayBuffer, offset: number, length: number): number;
  /** Milliseconds of CLOCK_BOOTTIME, which counts suspend. */
  export function bootMilliseconds(): number;
  /** Bytes that the engine has in use; for tests of what is kept. */
  export function memoryInUse(): number;

  /** Adds bytes to a digest. */
  export function sha256(state: ArrayBuffer, data: ArrayBuffer, offset: number, length: number): void;
  /** Ends a digest; 32 bytes. */
  export function sha256(state: ArrayBuffer, data: null): ArrayBuffer;
}

declare const scriptArgs: readonly string[];
