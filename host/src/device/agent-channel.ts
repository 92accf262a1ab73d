import { randomUUID } from 'node:crypto';
import { type DeviceAddress, openDeviceService } from '../adb/device-service.js';
import { destroyOnAbort } from '../adb/server-connection.js';
import type { ServerLink } from '../adb/smart-socket.js';
import { type Context, abortError } from '../core/context.js';
import { KhError } from '../core/error.js';

/**
 * A second way from the helper to us: adbd connects to a socket the helper listens on (service `localabstract:`, AOSP
 * SERVICES.TXT). What comes by `shell,v2` instead is put into frames by a thread of adbd, which copies it twice more.
 * Where adbd cannot connect, e.g. because SELinux forbids it, the helper goes on speaking as it did. Dispose it.
 */
export class AgentChannel implements AsyncDisposable {
  /** In the abstract namespace of the phone; nobody can guess it. */
  readonly name = `kheaders-${randomUUID()}`;
  readonly #address: DeviceAddress;
  readonly #ctx: Context;
  #link: Promise<ServerLink> | undefined;

  constructor(address: DeviceAddress, ctx: Context) {
    this.#address = address;
    this.#ctx = ctx;
  }

  /** Connects, once the helper listens. Does not wait, and does not fail: the helper says when it has moved. */
  open(): void {
    this.#link ??= openDeviceService(this.#address, `localabstract:${this.name}`, this.#ctx);
    this.#link.catch(() => undefined);
  }

  /** What comes this way, to its end. Errors: `device-lost`; those of the connection; what the context was aborted with. */
  async *read(): AsyncGenerator<Buffer> {
    if (this.#link === undefined) return;
    const { socket } = await this.#link;
    const detach = destroyOnAbort(socket, this.#ctx);
    try {
      yield* socket as AsyncIterable<Buffer>;
    } catch (error) {
      if (this.#ctx.signal.aborted) throw abortError(this.#ctx.signal);
      const details = { serial: this.#address.serial };
      throw new KhError('device-lost', 'The connection to the device broke off', details, error);
    } finally {
      detach();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#link?.then(
      ({ socket }) => socket.destroy(),
      () => undefined,
    );
    return Promise.resolve();
  }
}
