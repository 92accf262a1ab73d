import type { DeviceAddress } from '../adb/device-service.js';
import type { Context } from '../core/context.js';
import type { Probe, Sighting } from './probe.js';
import { SessionRoot } from './session-root.js';
import type { RunningProbe, Session, SessionOptions } from './session.js';
import { type ShellProbe, openShellProbe } from './shell-probe.js';

/** What the sessions of both kinds have in common: the probe, what it saw, and root. */
export interface SessionParts {
  readonly serial: string;
  readonly root: SessionRoot;
  readonly openProbe: Session['openProbe'];
  /** What the phone knows of itself; asks it unless it was asked already. */
  readonly see: (ctx: Context) => Promise<Sighting>;
  /** Has the shell of the last probe run a command, where it still waits there: see ShellProbe. */
  readonly become: ShellProbe['become'];
}

/** The probe looks for our helper in `agentPaths`. */
export function makeSessionParts(
  address: DeviceAddress,
  options: SessionOptions,
  agentPaths: readonly string[],
): SessionParts {
  const root = new SessionRoot({ address, policy: options.root, see });
  let seen: Sighting | undefined;
  let last: { readonly probe: ShellProbe; readonly address: DeviceAddress } | undefined;

  async function openProbe(ctx: Context, sent?: () => void): Promise<RunningProbe> {
    const reached = root.address;
    const running = await openShellProbe(reached, agentPaths, ctx, sent);
    seen = running.sighting;
    last = { probe: running, address: reached };
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

  const become: ShellProbe['become'] = (command, input) =>
    last?.address === root.address ? last.probe.become(command, input) : undefined;

  return { serial: address.serial, root, openProbe, see, become };
}
