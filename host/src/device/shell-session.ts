import type { DeviceAddress } from '../adb/device-service.js';
import { runShell } from '../adb/shell.js';
import { type Context, makeContext, withDeadline } from '../core/context.js';
import { quietly } from '../core/disposal.js';
import { KhError } from '../core/error.js';
import { switchAdbd } from './adbd-root.js';
import { type Probe, parseModuleSearch } from './probe.js';
import { formatSearchScript } from './probe-script.js';
import { type Root, findRoot } from './root.js';
import type { RunningProbe, Session, SessionOptions } from './session.js';
import { openShellProbe } from './shell-probe.js';
import { openShellTransfer } from './shell-transfer.js';

const undoMilliseconds = 20_000;

/** A session that needs nothing on the phone but its own shell. Opens no connection by itself. */
export function openShellSession(address: DeviceAddress, options: SessionOptions, ctx: Context): Session {
  const { serial } = address;
  let root: Promise<Root> | undefined;
  let probed: Probe | undefined;

  async function openProbe(inner: Context): Promise<RunningProbe> {
    const running = await openShellProbe(address, inner);
    const finish = async (): Promise<Probe> => (probed = await running.finish());
    return { ...running, finish };
  }

  async function probeOnce(inner: Context): Promise<Probe> {
    if (probed !== undefined) return probed;
    await using running = await openProbe(inner);
    return await running.finish();
  }

  async function becomeRoot(inner: Context): Promise<Root> {
    inner.report({ kind: 'step', step: 'root' });
    const { uid, su } = await probeOnce(inner);
    const found = await findRoot(address, { policy: options.root, uid, su }, inner);
    inner.report({ kind: 'step', step: 'root', detail: found.method });
    return found;
  }

  function rootOnce(inner: Context): Promise<Root> {
    root ??= becomeRoot(inner);
    return root;
  }

  async function undoRoot(): Promise<void> {
    const found = await root?.catch(() => undefined);
    if (found?.method !== 'adb root') return;
    // The caller's signal may be aborted already; putting adbd back has a deadline of its own.
    using deadline = withDeadline(
      makeContext({ onEvent: (event) => ctx.report(event) }),
      undoMilliseconds,
      'adb unroot',
    );
    const { restarted, answer } = await switchAdbd(found.address, 'unroot', deadline);
    if (!restarted) throw new KhError('device-failed', 'adbd still runs as root', { serial, output: answer });
  }

  return {
    serial,
    openProbe,
    async searchModules(inner) {
      const found = await rootOnce(inner);
      const { stdout } = await runShell(found.address, found.wrap(formatSearchScript()), inner);
      return parseModuleSearch(stdout);
    },
    async openTransfer(request, asRoot, inner) {
      if (!asRoot) return openShellTransfer(address, (script) => script, request, inner);
      const found = await rootOnce(inner);
      return openShellTransfer(found.address, (script) => found.wrap(script), request, inner);
    },
    [Symbol.asyncDispose]: () => quietly(ctx, 'put adbd back to its user (type: adb unroot)', undoRoot),
  };
}
