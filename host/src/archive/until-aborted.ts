import { abortError, throwIfAborted, type Context } from '../core/context.js';

/**
 * The items of source, until the context is cancelled: then it throws the abort error at once, even where the source
 * still waits for its next item. A source that holds something open must listen to the signal itself: an async
 * generator cannot be closed while it waits.
 */
export async function* untilAborted<T>(source: AsyncIterable<T>, ctx: Context): AsyncGenerator<T, void, undefined> {
  const iterator = source[Symbol.asyncIterator]();
  let ended = false;
  let stopWaiting = ignore;
  const stop = (): void => stopWaiting(abortError(ctx.signal));
  ctx.signal.addEventListener('abort', stop, { once: true });
  try {
    for (;;) {
      throwIfAborted(ctx);
      const next = await new Promise<IteratorResult<T>>((resolve, reject) => {
        stopWaiting = reject;
        iterator.next().then(resolve, reject);
      });
      ended = next.done === true;
      if (next.done) return;
      yield next.value;
    }
  } finally {
    ctx.signal.removeEventListener('abort', stop);
    const closing = ended ? undefined : iterator.return?.().then(undefined, ignore);
    if (!ctx.signal.aborted) await closing;
  }
}

function ignore(_reason: unknown): void {
  // nobody waits yet; or the reader has left and does not want to know how the source closed
}
