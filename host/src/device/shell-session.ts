import type { DeviceAddress } from '../adb/device-service.js';
import { runShell } from '../adb/shell.js';
import type { Context } from '../core/context.js';
import { quietly } from '../core/disposal.js';
import { parseModuleSearch } from './probe.js';
import { formatSearchScript } from './probe-script.js';
import { type SessionParts, makeSessionParts } from './session-parts.js';
import type { Session, SessionOptions } from './session.js';
import { openShellTransfer } from './shell-transfer.js';

/** A session that needs nothing on the phone but its own shell. Opens no connection by itself. */
export function openShellSession(address: DeviceAddress, options: SessionOptions, ctx: Context): Session {
  return makeShellSession(makeSessionParts(address, options, []), ctx);
}

export function makeShellSession({ serial, root, openProbe }: SessionParts, ctx: Context): Session {
  return {
    serial,
    openProbe,
    async searchModules(inner) {
      const found = await root.get(inner);
      const { stdout } = await runShell(found.address, found.wrap(formatSearchScript()), inner);
      return parseModuleSearch(stdout);
    },
    async openTransfer(request, asRoot, inner) {
      if (!asRoot) return openShellTransfer(root.address, { wrap: (script) => script, asRoot }, request, inner);
      const guessed = await root.guess(
        (su) => openShellTransfer(root.address, { ...su, asRoot }, request, inner),
        inner,
      );
      if (guessed !== undefined) return guessed;
      const found = await root.get(inner);
      return openShellTransfer(found.address, { wrap: found.wrap, asRoot }, request, inner);
    },
    [Symbol.asyncDispose]: () => quietly(ctx, 'put adbd back to its user (type: adb unroot)', () => root.undo(ctx)),
  };
}
