import * as native from 'native';
import * as os from 'os';

/**
 * Everything the engine's event loop waits for goes through here, so that a forked process can let go of what its parent
 * waited for.
 */
const readers = new Set<number>();
const writers = new Set<number>();
const timers = new Set<object>();
let nextTurns: (() => void)[] = [];
let alwaysWritable = -1;

export function onReadable(fd: number, handler: (() => void) | null): void {
  os.setReadHandler(fd, handler);
  note(readers, fd, handler !== null);
}

export function onWritable(fd: number, handler: (() => void) | null): void {
  os.setWriteHandler(fd, handler);
  note(writers, fd, handler !== null);
}

function note(fds: Set<number>, fd: number, wanted: boolean): void {
  if (wanted) fds.add(fd);
  else fds.delete(fd);
}

export function after(milliseconds: number, action: () => void): void {
  const timer = os.setTimeout(() => {
    timers.delete(timer);
    action();
  }, milliseconds);
  timers.add(timer);
}

export function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => after(milliseconds, resolve));
}

/**
 * Waits until every descriptor that has something to say now was served at least once. A timer would not do: the engine serves
 * those first, and whoever goes from timer to timer keeps the process deaf.
 */
export function nextTurn(): Promise<void> {
  if (alwaysWritable < 0) alwaysWritable = os.open('/dev/null', os.O_WRONLY | native.O_CLOEXEC);
  if (alwaysWritable < 0) return delay(0);
  // The engine serves the head of its list first, and a handler set anew is its end.
  if (nextTurns.length === 0) onWritable(alwaysWritable, beginTurn);
  return new Promise((resolve) => nextTurns.push(resolve));
}

function beginTurn(): void {
  const turns = nextTurns;
  nextTurns = [];
  onWritable(alwaysWritable, null);
  for (const resolve of turns) resolve();
}

/** Calls for ever. */
export function repeat(milliseconds: number, action: () => void): void {
  after(milliseconds, () => {
    repeat(milliseconds, action);
    action();
  });
}

/**
 * Runs a role in a process of its own: a copy of this one, because on a phone starting the engine anew takes longer than
 * all the rest. In the copy nothing of what this process waits for is left: it is made in a turn of its own, because there
 * whoever called would go on as well. `started` is told the pid, or -errno.
 */
export function startProcess(role: () => void, started: (pid: number) => void): void {
  after(0, () => {
    const pid = native.fork();
    if (pid !== 0) return started(pid);
    for (const fd of [...readers]) onReadable(fd, null);
    for (const fd of [...writers]) onWritable(fd, null);
    for (const timer of timers) os.clearTimeout(timer);
    timers.clear();
    nextTurns = [];
    role();
  });
}
