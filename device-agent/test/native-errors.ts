// The commands of native-entry.ts that end badly, and those that look so.
import * as native from 'native';
import * as os from 'os';
import * as std from 'std';

function fail(): never {
  throw new TypeError('on purpose');
}

async function failLater(): Promise<void> {
  await Promise.resolve();
  fail();
}

async function failAtOnce(): Promise<void> {
  fail();
}

/** Its promise is rejected two turns before anyone asks. */
async function handleLate(): Promise<string> {
  const failing = failAtOnce();
  await Promise.resolve();
  await Promise.resolve();
  try {
    await failing;
    return 'not rejected';
  } catch {
    return 'handled';
  }
}

function nameOf(action: () => unknown): string {
  try {
    action();
    return 'none';
  } catch (error) {
    return (error as Error).name;
  }
}

function badArguments(): string[] {
  const buffer = new ArrayBuffer(10);
  const state = new ArrayBuffer(native.SHA256_STATE);
  return [
    nameOf(() => native.readFull(0, buffer, 5, 6)),
    nameOf(() => native.readFull(0, buffer, 11, 0)),
    nameOf(() => native.readFull(0, buffer, -1, 1)),
    nameOf(() => native.readFull(0, 'text' as unknown as ArrayBuffer, 0, 0)),
    nameOf(() => native.sha256(state, buffer, 0, 11)),
    nameOf(() => native.sha256(buffer, buffer, 0, 0)),
  ];
}

export const errorCommands: Readonly<Record<string, (args: readonly string[]) => unknown>> = {
  badArguments,
  badDescriptors: () => {
    const none = undefined as unknown as number;
    return [native.accept(none), native.setNonblock(none, true), native.lock(none, true)];
  },
  throw: fail,
  throwInTimer: () => void os.setTimeout(fail, 1),
  throwInReader: () => os.setReadHandler(0, fail),
  throwNull: () => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- programs can
    throw null;
  },
  reject: () => void failLater(),
  rejectAtOnce: () => void failAtOnce(),
  // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- programs can
  rejectWithoutReason: () => void Promise.reject(),
  rejectInTimer: () => void os.setTimeout(() => void failLater(), 1),
  handleLate: () => void handleLate().then((text) => std.out.puts(`${text}\n`)),
  takeAllMemory: () => {
    const taken: ArrayBuffer[] = [];
    for (;;) taken.push(new ArrayBuffer(1 << 20));
  },
};
