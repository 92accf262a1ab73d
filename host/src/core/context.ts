import { KhError } from './error.js';
import type { Event } from './events.js';

/** What every inner function takes last: how to stop, and where to report. Nothing else goes in. */
export interface Context {
  readonly signal: AbortSignal;
  /** Synchronous; never throws. */
  report(event: Event): void;
}

/** What public functions take: all optional. */
export interface OperationOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: ((event: Event) => void) | undefined;
}

/** Builds the context of one public call. A throwing listener is the caller's bug and must not end the operation. */
export function makeContext(options: OperationOptions = {}): Context {
  const { onEvent } = options;
  return {
    signal: options.signal ?? new AbortController().signal,
    report(event) {
      try {
        onEvent?.(event);
      } catch {
        // reported nowhere on purpose: the listener is the only channel there is
      }
    },
  };
}

/** The same context with a serial on every event that lacks one. */
export function withSerial(ctx: Context, serial: string): Context {
  return { signal: ctx.signal, report: (event) => ctx.report('serial' in event ? event : { ...event, serial }) };
}

/** A context that is also cancelled after some milliseconds, with a `timeout` error as the reason. */
export function withDeadline(ctx: Context, milliseconds: number, what: string): Context & Disposable {
  const timeout = new AbortController();
  const timer = setTimeout(() => {
    timeout.abort(new KhError('timeout', `${what} took longer than allowed`, { reason: what, milliseconds }));
  }, milliseconds);
  return {
    signal: AbortSignal.any([ctx.signal, timeout.signal]),
    report: (event) => ctx.report(event),
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}

/** The error to throw for an aborted context: the signal's KhError reason (a time-out), else `cancelled`. */
export function abortError(signal: AbortSignal): KhError {
  const reason: unknown = signal.reason;
  return reason instanceof KhError ? reason : new KhError('cancelled', 'The operation was cancelled', {}, reason);
}

/** Throws abortError() if the context was cancelled. Loops call it once per turn. */
export function throwIfAborted(ctx: Context): void {
  if (ctx.signal.aborted) throw abortError(ctx.signal);
}

/** Settles as the work does, or rejects with abortError() as soon as the context is cancelled; the work itself goes on. */
export async function orAborted<T>(work: Promise<T>, { signal }: Context): Promise<T> {
  if (signal.aborted) throw abortError(signal);
  return new Promise<T>((resolve, reject) => {
    const stop = (): void => reject(abortError(signal));
    signal.addEventListener('abort', stop, { once: true });
    work.finally(() => signal.removeEventListener('abort', stop)).then(resolve, reject);
  });
}
