import { setTimeout as sleep } from 'node:timers/promises';
import type { DeviceAddress } from '../adb/device-service.js';
import { type Context, abortError, withDeadline } from '../core/context.js';
import { isKhError } from '../core/error.js';
import { AgentFailure } from './agent-refusal.js';
import { type AgentRun, type AgentSource, type ReadFrom, isLost, openAgentSource } from './agent-source.js';
import type { TransferRequest } from './transfer-script.js';
import { waitUntilBack } from './until-back.js';

/** How long a device may take to come back: adbd restarts within seconds, a cable is put back in a few more. */
const usualReturnMilliseconds = 20_000;
const pauseMilliseconds = 250;

/** While a device comes back the server may be away, know nothing of it, or refuse to talk to it. */
const passing = [
  'no-device',
  'device-offline',
  'device-unauthorized',
  'device-failed',
  'adb-unreachable',
  'tool-missing',
];

/**
 * Opens the source anew as soon as the device is back; undefined where it does not come back in time, or is not as it
 * was (root is gone, the helper too, the module is refused). A server that was killed is waited for, not started: that
 * is for whoever runs it. Errors: `cancelled`, `timeout` of the caller.
 */
export async function resumeSource(
  { server, serial }: DeviceAddress,
  run: AgentRun,
  what: { readonly request: TransferRequest; readonly from: ReadFrom },
  ctx: Context,
): Promise<AgentSource | undefined> {
  const back: DeviceAddress = { server: { address: server.address, binaries: [] }, serial };
  using deadline = withDeadline(ctx, run.returnMilliseconds ?? usualReturnMilliseconds, 'the device coming back');
  while (!deadline.signal.aborted) {
    try {
      await waitUntilBack(back, deadline);
      return await openAgentSource(back, run, what, ctx);
    } catch (error) {
      if (ctx.signal.aborted) throw abortError(ctx.signal);
      if (!mayPass(error)) return undefined;
    }
    await sleep(pauseMilliseconds, undefined, { signal: deadline.signal }).catch(() => undefined);
  }
  return undefined;
}

function mayPass(error: unknown): boolean {
  if (isKhError(error)) return isLost(error) || passing.includes(error.code);
  return error instanceof AgentFailure && (error.trouble === 'ended' || error.trouble === 'refused');
}
