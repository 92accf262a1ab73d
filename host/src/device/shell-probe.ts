import type { DeviceAddress } from '../adb/device-service.js';
import { type ShellProcess, openShell } from '../adb/shell.js';
import type { Context } from '../core/context.js';
import { KhError } from '../core/error.js';
import { type Sighting, parseBoot, parseProbe, parseSighting } from './probe.js';
import { formatProbeRest, formatProbeScript } from './probe-script.js';
import type { RunningProbe } from './session.js';

/** A probe prints some hundred bytes; a phone with many copies of the module a few thousand. */
const outputLimit = 256 * 1024;

/** A probe under way in a shell that waits to be told how to go on. */
export interface ShellProbe extends RunningProbe {
  /**
   * Has the shell run a command in place of the rest, with these bytes on its standard input, and hands it over;
   * undefined where it was used or hung up already. The command is one line.
   */
  become(command: string, input: Uint8Array): ShellProcess | undefined;
}

/**
 * Starts the probe script and reads its first answer; it looks for our helper in `agentPaths`. `sent` and errors: see
 * Session.openProbe().
 */
export async function openShellProbe(
  address: DeviceAddress,
  agentPaths: readonly string[],
  ctx: Context,
  sent?: () => void,
): Promise<ShellProbe> {
  ctx.report({ kind: 'step', step: 'probe' });
  const shell = await openShell(address, formatProbeScript(agentPaths), ctx, {
    input: new Uint8Array(0),
    written: sent,
  });
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
    /** The shell is somebody else's now. */
    let given = false;
    while (sighting === undefined && (await more())) sighting = parseSighting(text, agentPaths);
    let waiting = sighting !== undefined;
    return {
      boot: parseBoot(text) ?? undefined,
      sighting,
      async finish() {
        waiting = false;
        shell.write(Buffer.from(`${formatProbeRest()}\n`));
        while (await more());
        return parseProbe(Buffer.from(text, 'latin1').toString('utf8'), agentPaths);
      },
      become(command, input) {
        if (!waiting) return undefined;
        waiting = false;
        given = true;
        ctx.report({ kind: 'trace', what: 'adb', text: `(in the same shell) ${command}` });
        shell.write(Buffer.concat([Buffer.from(`${command}\n`), input]));
        return { ...shell, stdout: { [Symbol.asyncIterator]: () => source } };
      },
      async [Symbol.asyncDispose]() {
        waiting = false;
        if (!given) await shell[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await shell[Symbol.asyncDispose]();
    throw error;
  }
}
