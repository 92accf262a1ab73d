import type { DeviceAddress } from '../adb/device-service.js';
import type { Context } from '../core/context.js';
import type { Probe, Sighting } from './probe.js';
import { SessionRoot } from './session-root.js';
import type { RunningProbe, SessionOptions } from './session.js';
import { openShellProbe } from './shell-probe.js';

/** What the sessions of both kinds have in common: the probe, what it saw, and root. */
export interface SessionParts {
  readonly serial: string;
  readonly root: SessionRoot;
  readonly openProbe: (ctx: Context) => Promise<RunningProbe>;
  /** What the phone knows of itself; asks it unless it was asked already. */
  readonly see: (ctx: Context) => Promise<Sighting>;
}

/** The probe looks for our helper in `agentPaths`. */
export function makeSessionParts(
  address: DeviceAddress,
  options: SessionOptions,
  agentPaths: readonly string[],
): SessionParts {
  const root = new SessionRoot({ address, policy: options.root, see });
  let seen: Sighting | undefined;

  async function openProbe(ctx: Context): Promise<RunningProbe> {
    const running = await openShellProbe(root.address, agentPaths, ctx);
    seen = running.sighting;
    const finish = async (): Promise<Probe> => {
      const probe = await running.finish();
      seen = probe;
      return probe;
    };
    return { ...running, finish };
  }

  async function see(ctx: Context): Promise<Sighting> {
    if (seen !== undefined) return seen;
    await using running = await openProbe(ctx);
    return await running.finish();
  }

  return { serial: address.serial, root, openProbe, see };
}
