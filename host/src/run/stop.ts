/** Settles when a run is to end: the caller's signal, or its time. */
export interface Stop extends Disposable {
  readonly asked: Promise<void>;
}

/** `seconds`: how long at most; undefined: until the signal. */
export function openStop(signal: AbortSignal, seconds: number | undefined): Stop {
  let stop: () => void = () => undefined;
  let timer: NodeJS.Timeout | undefined;
  const asked = new Promise<void>((resolve) => (stop = resolve));
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  if (seconds !== undefined) timer = setTimeout(stop, Math.min(seconds * 1000, 2 ** 31 - 1));
  return {
    asked,
    [Symbol.dispose]() {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    },
  };
}
