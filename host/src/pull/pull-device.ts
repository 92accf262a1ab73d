import type { Device } from '../adb/device-list.js';
import type { AdbServer } from '../adb/server-connection.js';
import type { Cache } from '../cache/format.js';
import { type Context, makeContext, withSerial } from '../core/context.js';
import { withDetails } from '../core/error.js';
import { findDevice, waitForDevice } from '../device/attached.js';
import { type FetchOptions, type PullOptions, allSources, findSelector, findServer } from './options.js';
import { openSession } from './open-session.js';
import type { Fetched, PullOutcome } from './pull.js';
import type { Share } from './share.js';

/** What pull() gives: the entry, how it came, and how the phone was left. */
export interface PullResult extends PullOutcome {
  readonly serial: string;
  readonly model?: string | undefined;
}

/**
 * Pulls the headers of one attached phone's kernel into the cache and returns the entry; from the cache if it has that
 * very kernel. The phone is left as found.
 *
 * Errors: every code but `usage`-only ones of the cache; see docs/exit-codes.md for the list with causes.
 */
export async function pull(options: PullOptions = {}): Promise<PullResult> {
  const ctx = makeContext(options);
  const server = findServer(options);
  const selector = findSelector(options.device);
  ctx.report({ kind: 'step', step: 'connect' });
  const wait = options.waitSeconds ?? 0;
  const device = wait > 0 ? await waitForDevice(server, selector, wait, ctx) : await findDevice(server, selector, ctx);
  return pullDevice({ server, device, cache: undefined, share: undefined }, options, ctx);
}

export interface DevicePull {
  readonly server: AdbServer;
  readonly device: Device;
  /** Absent: the one the options name. */
  readonly cache: Cache | undefined;
  /** Absent: this is the only device of the run. */
  readonly share: Share<Fetched> | undefined;
}

/** Pulls from one device that is ready. Errors: as pull(), each with the serial. */
export async function pullDevice(
  target: DevicePull,
  options: FetchOptions & Pick<PullOptions, 'image'>,
  ctx: Context,
): Promise<PullResult> {
  const { device, share } = target;
  const { serial, model } = device;
  const inner = withSerial(ctx, serial);
  const root = options.root ?? 'auto';
  const { image } = options;
  try {
    if (image !== undefined) {
      await using asking = openSession(target, { root, agent: false }, inner);
      const { pullFromImage } = await import('./from-image.js');
      const cache = target.cache ?? (await (await loadPipeline()).findCache(options));
      const outcome = await pullFromImage(asking, cache, { file: image, facts: { serial, model } }, inner);
      return { ...outcome, serial, model };
    }
    await using session = openSession(target, { root, agent: options.agent }, inner);
    await using asked = await session.openProbe(inner, () => void loadPipeline().catch(() => undefined));
    const { findCache, pullFrom } = await loadPipeline();
    const cache = target.cache ?? (await findCache(options));
    const request = {
      root,
      sources: new Set(options.sources ?? allSources),
      force: options.force ?? false,
      share,
      facts: { serial, model },
    };
    const outcome = await pullFrom(session, asked, cache, request, inner);
    return { ...outcome, serial, model };
  } catch (error) {
    throw withDetails(error, { serial });
  }
}

/**
 * Loaded while the phone thinks about the probe, with what a transfer needs: until then a pull is a few requests to the adb
 * server, and they can be on their way before the rest is there.
 */
async function loadPipeline() {
  const [{ findCache }, { loadFetch, pullFrom }] = await Promise.all([import('./find-cache.js'), import('./pull.js')]);
  void loadFetch().catch(() => undefined);
  return { findCache, pullFrom };
}
