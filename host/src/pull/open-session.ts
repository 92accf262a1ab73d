import type { Device } from '../adb/device-list.js';
import { addressDevice } from '../adb/device-service.js';
import type { AdbServer } from '../adb/server-connection.js';
import type { Context } from '../core/context.js';
import { openAgentSession } from '../device/agent-session.js';
import type { RootPolicy } from '../device/root.js';
import type { Session } from '../device/session.js';
import { openShellSession } from '../device/shell-session.js';
import { chooseAgents } from './options.js';

export interface SessionTarget {
  readonly server: AdbServer;
  readonly device: Device;
}

/** The conversation with one phone: by our helper where this package has one and it is wanted, else by its shell. */
export function openSession(
  { server, device }: SessionTarget,
  { root, agent }: { readonly root: RootPolicy; readonly agent: boolean | undefined },
  ctx: Context,
): Session {
  const address = addressDevice(server, device);
  const agents = chooseAgents({ agent });
  return agents === undefined
    ? openShellSession(address, { root }, ctx)
    : openAgentSession(address, { root, agents }, ctx);
}
