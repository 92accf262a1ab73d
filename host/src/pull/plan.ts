import { parseKernelVersion } from '@kheaders/shared';
import { KhError } from '../core/error.js';
import type { Probe, Sighting } from '../device/probe.js';
import type { RootPolicy } from '../device/root.js';
import type { TransferRequest } from '../device/transfer-script.js';

/** One way to get the archive, in the words of the manifest. */
export interface Attempt {
  readonly request: TransferRequest;
  readonly asRoot: boolean;
}

export type AttemptKind = TransferRequest['kind'];

export interface PlanOptions {
  readonly root: RootPolicy;
  /** The sources that may be used; --no-load leaves out `module`. */
  readonly sources: ReadonlySet<AttemptKind>;
}

/** What a plan is made from. */
export type Outlook = Sighting & Pick<Probe, 'configLine'>;

/**
 * What to try, in order (ARCHITECTURE.md, "Sources"): the archive that is there, the module loaded for the transfer, the module
 * file carved on the host. Nothing is downgraded silently: the caller reports each step down.
 * Errors: `headers-not-supported`, `headers-unknown`, `read-hazard`, `not-root`.
 */
export function planAttempts(probe: Outlook, options: PlanOptions): readonly Attempt[] {
  if (probe.live.length === 0 && probe.modules.length === 0) throw noHeaders(probe);
  const { release } = probe;
  const hazard = hasReadHazard(release);
  const known = [...planShared(probe, options), ...planLive(probe), ...planModule(probe), ...planCarve(probe)];
  const wanted = known.filter(({ request }) => options.sources.has(request.kind));
  const safe = hazard ? wanted.filter(({ request }) => request.kind === 'carve') : wanted;
  const unprivileged = options.root === 'none' && probe.uid !== 0;
  const possible = unprivileged ? safe.filter(({ asRoot }) => !asRoot) : safe;
  if (possible.length > 0) return possible;
  if (wanted.length === 0) {
    const choices = [...new Set(known.map(({ request }) => request.kind))];
    throw new KhError('read-refused', 'None of the allowed sources is on this phone', {
      release,
      reason: 'sources',
      choices,
    });
  }
  if (safe.length === 0) {
    throw new KhError('read-hazard', `Reading the archive can crash kernel ${release}`, { release });
  }
  throw new KhError('not-root', 'Every source of the archive on this phone needs root', {
    tried: [`adb shell: uid ${probe.uid}`, 'nothing else, because of --root=none'],
  });
}

/**
 * The archive is there because somebody loaded the module, and he may be another host that unloads it in a moment: as root
 * we hold it while we read, as if we had loaded it ourselves. A user without root reads and hopes.
 */
function planShared(probe: Outlook, { root }: PlanOptions): readonly Attempt[] {
  const rootable = probe.uid === 0 || probe.su || root === 'adb';
  if (!probe.loaded || probe.live.length === 0 || probe.modules.length === 0 || !rootable) return [];
  return [loadOf(probe)];
}

function planLive({ live, uid }: Outlook): readonly Attempt[] {
  return live.map(({ path, readable }) => ({ request: { kind: 'live', path }, asRoot: !readable && uid !== 0 }));
}

function planModule(probe: Outlook): readonly Attempt[] {
  // Where an archive is there already, the module is loaded or built in: loading it again can only fail.
  return probe.modules.length === 0 || probe.live.length > 0 ? [] : [loadOf(probe)];
}

function loadOf({ release, modules }: Outlook): Attempt {
  return { request: { kind: 'module', release, modules: modules.map(({ path }) => path) }, asRoot: true };
}

function planCarve(probe: Outlook): readonly Attempt[] {
  return probe.modules.map(({ path, readable }) => ({
    request: { kind: 'carve', path },
    asRoot: !readable && probe.uid !== 0,
  }));
}

/**
 * A bounds check that misfires: with FORTIFY_SOURCE, reading the archive is a kernel BUG from 6.3-rc1 (439a1bcac648)
 * until b69edab47f1d, which came with 6.3.2. On a phone with panic_on_oops that is a reboot, so these are never read.
 */
export function hasReadHazard(release: string): boolean {
  const version = parseKernelVersion(release);
  return version !== undefined && version[0] === 6 && version[1] === 3 && version[2] < 2;
}

function noHeaders(probe: Outlook): KhError {
  const { release } = probe;
  const { configLine } = probe;
  const details = { release, ...(configLine === undefined ? {} : { configLine }) };
  if (configLine === '# CONFIG_IKHEADERS is not set') {
    return new KhError('headers-not-supported', `Kernel ${release} was built without its headers`, details);
  }
  return new KhError('headers-unknown', `No headers of kernel ${release} were found on the phone`, details);
}
