import type { DeviceAddress } from '../adb/device-service.js';
import { type Context, makeContext, withDeadline } from '../core/context.js';
import { KhError, isKhError } from '../core/error.js';
import { switchAdbd } from './adbd-root.js';
import type { Sighting } from './probe.js';
import { type Root, type RootPolicy, type SuForm, commonSu, findRoot } from './root.js';
import type { Transfer } from './session.js';

const undoMilliseconds = 20_000;

export interface SessionRootOptions {
  readonly address: DeviceAddress;
  readonly policy: RootPolicy;
  /** What the phone knows of itself; asks it if need be. */
  readonly see: (ctx: Context) => Promise<Sighting>;
}

/** Root in one session: found at most once, undone at the end. */
export class SessionRoot {
  readonly #options: SessionRootOptions;
  #found: Promise<Root> | undefined;
  #hung = false;
  #address: DeviceAddress;

  constructor(options: SessionRootOptions) {
    this.#options = options;
    this.#address = options.address;
  }

  /** The device as it can be reached now: a restart of adbd ends the transport it had. */
  get address(): DeviceAddress {
    return this.#address;
  }

  /** A verified way to be root. Errors: `not-root` and those of the connection. */
  get(ctx: Context): Promise<Root> {
    this.#found ??= this.#find(ctx);
    return this.#found;
  }

  async #find(ctx: Context): Promise<Root> {
    const { address, policy, see } = this.#options;
    ctx.report({ kind: 'step', step: 'root' });
    const { uid, su } = await see(ctx);
    const found = await findRoot(address, { policy, uid, su, hung: this.#hung }, ctx);
    this.#address = found.address;
    ctx.report({ kind: 'step', step: 'root', detail: found.method });
    return found;
  }

  /**
   * Opens a transfer through the common su without asking first whether that works: the script checks that it is root
   * before it does anything, so its answer tells, and the usual phone saves a round trip. Undefined where another way
   * has to be found. Errors: the phone's refusals, given as root.
   */
  async guess<T extends Transfer>(open: (su: SuForm) => Promise<T>, ctx: Context): Promise<T | undefined> {
    const { address, policy, see } = this.#options;
    const { uid, su } = await see(ctx);
    const may = (policy === 'auto' || policy === 'su') && su && uid !== 0;
    if (this.#found !== undefined || this.#hung || !may) return undefined;
    const root: Root = { method: 'su -c', wrap: commonSu.wrap, address };
    try {
      ctx.report({ kind: 'step', step: 'root', detail: root.method });
      const transfer = await open(commonSu);
      this.#found = Promise.resolve(root);
      return transfer;
    } catch (error) {
      if (isKhError(error, 'timeout') && !ctx.signal.aborted) this.#hung = true;
      else if (isKhError(error, 'module-refused') || isKhError(error, 'read-refused')) {
        this.#found = Promise.resolve(root);
        throw error;
      } else if (!isKhError(error, 'not-root') && !isKhError(error, 'device-failed')) throw error;
      return undefined;
    }
  }

  /** Puts adbd back where we switched it. */
  async undo(ctx: Context): Promise<void> {
    const found = await this.#found?.catch(() => undefined);
    if (found?.method !== 'adb root') return;
    // The caller's signal may be aborted already; putting adbd back has a deadline of its own.
    using deadline = withDeadline(
      makeContext({ onEvent: (event) => ctx.report(event) }),
      undoMilliseconds,
      'adb unroot',
    );
    const { restarted, answer } = await switchAdbd(found.address, 'unroot', deadline);
    const { serial } = found.address;
    if (!restarted) throw new KhError('device-failed', 'adbd still runs as root', { serial, output: answer });
  }
}
