import type { DeviceAddress } from '../adb/device-service.js';
import { type ShellResult, runShell } from '../adb/shell.js';
import { type Context, makeContext } from '../core/context.js';
import { quietly } from '../core/disposal.js';
import { KhError, isKhError } from '../core/error.js';
import { type AgentFiles, listAgentPaths } from './agent-files.js';
import { installAgent } from './agent-install.js';
import { type AgentLink, openAgentLink } from './agent-link.js';
import { asCommandError } from './agent-refusal.js';
import { makeSessionParts } from './session-parts.js';
import type { SessionOptions } from './session.js';

/** The helper on a phone, for whatever it is asked. Dispose it: adbd goes back to its user. */
export interface PhoneAgent extends AsyncDisposable {
  readonly serial: string;
  readonly link: AgentLink;
  /** False only where `rootOptional` was given and there is no way to be root. */
  readonly asRoot: boolean;
  /** Runs a script in the phone's own shell, as the user the helper is. Errors: as runShell(). */
  readonly run: (script: string, ctx: Context) => Promise<ShellResult>;
}

export interface PhoneAgentOptions extends SessionOptions {
  readonly agents: AgentFiles | undefined;
  /** Without root the helper runs as the plain shell's user. */
  readonly rootOptional?: boolean;
  /** Its link does not end with the caller's signal, so that what was begun on the phone can be brought to an end. */
  readonly outlives?: boolean;
}

/**
 * Starts the helper, installed if need be. Dispose it. Errors: `agent-refused`, `not-root`, those of the connection.
 */
export async function openPhoneAgent(
  address: DeviceAddress,
  options: PhoneAgentOptions,
  ctx: Context,
): Promise<PhoneAgent> {
  const { serial } = address;
  const { agents, rootOptional = false, outlives = false } = options;
  if (agents === undefined) {
    const details = { serial, reason: 'not-shipped' };
    throw new KhError('agent-refused', 'This package was built without helper programs', details);
  }
  const parts = makeSessionParts(address, options, listAgentPaths(agents));
  const linkCtx = outlives ? makeContext({ onEvent: (event) => ctx.report(event) }) : ctx;
  const undo = (): Promise<void> =>
    quietly(ctx, 'put adbd back to its user (type: adb unroot)', () => parts.root.undo(ctx));
  try {
    const path = (await parts.see(ctx)).agent ?? (await installAgent(parts.root.address, agents, ctx));
    const root = await parts.root.get(ctx).catch((error: unknown) => {
      if (!rootOptional || !isKhError(error, 'not-root')) throw error;
      return { wrap: (script: string) => script, address: parts.root.address, method: 'none' };
    });
    const start = { path, build: agents.build, wrap: root.wrap };
    const link = await openAgentLink(root.address, start, [], linkCtx);
    const run = (script: string, inner: Context): Promise<ShellResult> =>
      runShell(root.address, root.wrap(script), inner);
    const dispose = async (): Promise<void> => {
      await link[Symbol.asyncDispose]();
      await undo();
    };
    return { serial, link, asRoot: root.method !== 'none', run, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await undo();
    throw asCommandError(error, serial);
  }
}
