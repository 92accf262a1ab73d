import type { DeviceAddress } from '../adb/device-service.js';
import { runShell } from '../adb/shell.js';
import type { Context } from '../core/context.js';
import { quietly } from '../core/disposal.js';
import { type Probe, type Sighting, parseModuleSearch } from './probe.js';
import { formatSearchScript } from './probe-script.js';
import { SessionRoot } from './session-root.js';
import type { RunningProbe, Session, SessionOptions } from './session.js';
import { openShellProbe } from './shell-probe.js';
import { openShellTransfer } from './shell-transfer.js';

/** A session that needs nothing on the phone but its own shell. Opens no connection by itself. */
export function openShellSession(address: DeviceAddress, options: SessionOptions, ctx: Context): Session {
  const root = new SessionRoot({ address, policy: options.root, see });
  let seen: Sighting | undefined;

  async function openProbe(inner: Context): Promise<RunningProbe> {
    const running = await openShellProbe(address, inner);
    seen = running.sighting;
    const finish = async (): Promise<Probe> => {
      const probe = await running.finish();
      seen = probe;
      return probe;
    };
    return { ...running, finish };
  }

  async function see(inner: Context): Promise<Sighting> {
    if (seen !== undefined) return seen;
    await using running = await openProbe(inner);
    return await running.finish();
  }

  return {
    serial: address.serial,
    openProbe,
    async searchModules(inner) {
      const found = await root.get(inner);
      const { stdout } = await runShell(found.address, found.wrap(formatSearchScript()), inner);
      return parseModuleSearch(stdout);
    },
    async openTransfer(request, asRoot, inner) {
      if (!asRoot) return openShellTransfer(address, { wrap: (script) => script, asRoot }, request, inner);
      const guessed = await root.guess((su) => openShellTransfer(address, { ...su, asRoot }, request, inner), inner);
      if (guessed !== undefined) return guessed;
      const found = await root.get(inner);
      return openShellTransfer(found.address, { wrap: found.wrap, asRoot }, request, inner);
    },
    [Symbol.asyncDispose]: () => quietly(ctx, 'put adbd back to its user (type: adb unroot)', () => root.undo(ctx)),
  };
}
