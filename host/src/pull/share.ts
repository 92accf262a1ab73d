import { type KernelIdentity, formatIdentity } from '@kheaders/shared';

/** Lets several phones of one run share one download: the first of a kernel works, the others take its result. */
export class Share<T> {
  readonly #running = new Map<string, Promise<T>>();

  /** Runs work, or waits for the one that runs under this key. A failure is the failed one's own: others try again. */
  async once(key: string, work: () => Promise<T>): Promise<{ readonly value: T; readonly shared: boolean }> {
    for (let other = this.#running.get(key); other !== undefined; other = this.#running.get(key)) {
      try {
        return { value: await other, shared: true };
      } catch {
        if (this.#running.get(key) === other) this.#running.delete(key);
      }
    }
    const own = work();
    this.#running.set(key, own);
    return { value: await own, shared: false };
  }
}

/**
 * What must be equal for two phones of one run to run the same kernel: everything the kernel says about its build. The
 * system image around it may differ. Where neither configuration nor build-id can be read, only the whole identity
 * will do.
 */
export function kernelKey(identity: KernelIdentity): string {
  const { release, procVersion, machine, configSha256, notesSha256 } = identity;
  if (configSha256 === undefined && notesSha256 === undefined) return formatIdentity(identity);
  return JSON.stringify([release, procVersion, machine, configSha256 ?? null, notesSha256 ?? null]);
}
