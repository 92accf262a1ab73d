import { abortError, type Context } from '../core/context.js';

/**
 * A queue between two speeds: the phone's bytes go in as fast as they come, so that its module can be unloaded, and are
 * decompressed as fast as that goes. It holds at most one archive, whose size is limited at the door.
 */
export class Relay {
  readonly #chunks: Uint8Array[] = [];
  #wake: (() => void) | undefined;
  #ended = false;
  #error: Error | undefined;

  /** Passes every chunk of source on and puts it into the queue as well; the queue ends, or fails, as source does. */
  async *tap(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of source) {
        this.#chunks.push(chunk);
        this.#wake?.();
        yield chunk;
      }
    } catch (error) {
      this.#error = error instanceof Error ? error : new Error(String(error));
      throw error;
    } finally {
      this.#ended = true;
      this.#wake?.();
    }
  }

  /** The chunks, in order; waits for more. */
  async *items(ctx: Context): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) yield chunk;
      else if (this.#error !== undefined) throw this.#error;
      else if (this.#ended) return;
      else await this.#more(ctx.signal);
    }
  }

  async #more(signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw abortError(signal);
    const stop = (): void => this.#wake?.();
    signal.addEventListener('abort', stop, { once: true });
    await new Promise<void>((resolve) => (this.#wake = resolve));
    signal.removeEventListener('abort', stop);
    if (signal.aborted) throw abortError(signal);
  }
}
