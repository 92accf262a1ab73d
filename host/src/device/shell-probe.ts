import type { DeviceAddress } from '../adb/device-service.js';
import { openShell } from '../adb/shell.js';
import type { Context } from '../core/context.js';
import { KhError } from '../core/error.js';
import { type Sighting, parseBoot, parseProbe, parseSighting } from './probe.js';
import { formatProbeScript } from './probe-script.js';
import type { RunningProbe } from './session.js';

/** A probe prints some hundred bytes; a phone with many copies of the module a few thousand. */
const outputLimit = 256 * 1024;

/** The line the script waits for. */
const goOn = Buffer.from('\n');

/**
 * Starts the probe script and reads its first answer; it looks for our helper in `agentPaths`. Errors: see
 * Session.openProbe().
 */
export async function openShellProbe(
  address: DeviceAddress,
  agentPaths: readonly string[],
  ctx: Context,
): Promise<RunningProbe> {
  ctx.report({ kind: 'step', step: 'probe' });
  const shell = await openShell(address, formatProbeScript(agentPaths), ctx, { input: new Uint8Array(0) });
  try {
    const source = shell.stdout[Symbol.asyncIterator]();
    let text = '';
    /** Adds what comes next to text; false at the end. */
    const more = async (): Promise<boolean> => {
      const next = await source.next();
      if (next.done === true) return false;
      text += next.value.toString('latin1');
      if (text.length > outputLimit) throw new KhError('device-failed', 'The device sent more text than expected');
      return true;
    };
    let sighting: Sighting | undefined;
    while (sighting === undefined && (await more())) sighting = parseSighting(text, agentPaths);
    return {
      boot: parseBoot(text) ?? undefined,
      sighting,
      async finish() {
        shell.write(goOn);
        while (await more());
        return parseProbe(Buffer.from(text, 'latin1').toString('utf8'), agentPaths);
      },
      [Symbol.asyncDispose]: () => shell[Symbol.asyncDispose](),
    };
  } catch (error) {
    await shell[Symbol.asyncDispose]();
    throw error;
  }
}
