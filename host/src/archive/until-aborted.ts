import { abortError, throwIfAborted, type Context } from '../core/context.js';

/**
 * The items of source, until the context is cancelled: then it throws the abort error at once, even where the source
 * still waits for its next item. A source that holds something open must listen to the signal itself: an async
 * generator cannot be closed while it waits.
 */
export async function* untilAborted<T>(source: AsyncIterable<T>, ctx: Context): AsyncGenerator<T, void, undefined> {
  const iterator = source[Symbol.asyncIterator]();
  let ended = false;
  try {
    for (;;) {
      throwIfAborted(ctx);
      const next = await nextOrAbort(iterator, ctx.signal);
      ended = next.done === true;
      if (next.done) return;
      yield next.value;
    }
  } finally {
    const closing = ended ? undefined : iterator.return?.().then(undefined, ignore);
    if (!ctx.signal.aborted) await closing;
  }
}

function nextOrAbort<T>(iterator: AsyncIterator<T>, signal: AbortSignal): Promise<IteratorResult<T>> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(abortError(signal));
    signal.addEventListener('abort', onAbort, { once: true });
    iterator
      .next()
      .finally(() => signal.removeEventListener('abort', onAbort))
      .then(resolve, reject);
  });
}

function ignore(): void {
  // the reader has left: nobody wants to know how the source closed
}
