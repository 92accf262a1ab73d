import { KhError } from '../core/error.js';

/** Runs work with a signal that is also aborted after some seconds, with `timeout` as the reason. */
export async function withTimeout<T>(
  signal: AbortSignal,
  seconds: number | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (seconds === undefined) return work(signal);
  if (!(seconds > 0)) throw new KhError('usage', '--timeout takes seconds', { actual: String(seconds) });
  const timeout = new AbortController();
  const milliseconds = seconds * 1000;
  const timer = setTimeout(() => {
    timeout.abort(
      new KhError('timeout', `Not done within ${seconds} s`, { reason: 'the whole command', milliseconds }),
    );
  }, milliseconds);
  try {
    return await work(AbortSignal.any([signal, timeout.signal]));
  } finally {
    clearTimeout(timer);
  }
}
