import type { DeviceAddress } from '../adb/device-service.js';
import { type Context, throwIfAborted } from '../core/context.js';
import { type AgentFiles, listAgentPaths } from './agent-files.js';
import type { AgentUse } from './agent-use.js';
import { makeSessionParts } from './session-parts.js';
import type { Session, SessionOptions, Transfer } from './session.js';
import { makeShellSession } from './shell-session.js';
import type { TransferRequest } from './transfer-script.js';

export interface AgentSessionOptions extends SessionOptions {
  readonly agents: AgentFiles;
}

/**
 * A session whose transfers are done by our helper on the phone, which is installed where it is missing. Where it cannot
 * be used the phone's own shell does them, and a warning says why.
 */
export function openAgentSession(address: DeviceAddress, options: AgentSessionOptions, ctx: Context): Session {
  const parts = makeSessionParts(address, options, listAgentPaths(options.agents));
  const shell = makeShellSession(parts, ctx);
  let use: AgentUse | undefined;
  let given = false;

  async function openByAgent(request: TransferRequest, asRoot: boolean, inner: Context): Promise<Transfer | undefined> {
    const [{ AgentUse: Use }, { AgentFailure }] = await loadAgent();
    use ??= new Use(parts, options.agents);
    try {
      return await use.open(request, asRoot, inner);
    } catch (error) {
      throwIfAborted(inner);
      if (!(error instanceof AgentFailure)) throw error;
      given = true;
      const message = `The helper on the phone is not used: ${error.message}; going on with the phone's own shell`;
      inner.report({ kind: 'warning', warning: 'agent', message });
      return undefined;
    }
  }

  return {
    ...shell,
    openProbe: async (inner, sent) =>
      (await use?.openProbe(inner)) ??
      shell.openProbe(inner, () => {
        void loadAgent().catch(() => undefined);
        sent?.();
      }),
    async openTransfer(request, asRoot, inner) {
      const opened = given ? undefined : await openByAgent(request, asRoot, inner);
      return opened ?? shell.openTransfer(request, asRoot, inner);
    },
  };
}

/** Loaded while the phone thinks about the probe, and not before: a hit, the usual case, needs no transfer. */
async function loadAgent() {
  return Promise.all([import('./agent-use.js'), import('./agent-refusal.js')]);
}
