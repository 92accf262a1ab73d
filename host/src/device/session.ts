import type { BootIdentity } from '@kheaders/shared';
import type { Context } from '../core/context.js';
import type { DeviceFile, Probe, Sighting } from './probe.js';
import type { RootPolicy } from './root.js';
import type { TransferReport } from './transfer-notes.js';
import type { TransferRequest } from './transfer-script.js';

/**
 * A conversation with one phone. The plain-shell session implements it with commands of the phone's own; a helper on
 * the phone can implement it without the pipeline noticing. Dispose it: it puts back what it switched (adbd's uid).
 */
export interface Session extends AsyncDisposable {
  readonly serial: string;
  /**
   * Asks the phone for every fact a pull decides on, in one call and without root. Returns as soon as the phone has said
   * what it knows at once: which boot this is, and where headers are. `sent` is called when the question is on its way:
   * there is time for something else then. Errors: `device-failed`, `device-lost`.
   */
  openProbe(ctx: Context, sent?: () => void): Promise<RunningProbe>;
  /**
   * Looks for kheaders.ko as root, below all known module folders: some phones hide them from the plain shell.
   * Errors: `not-root`, `device-lost`.
   */
  searchModules(ctx: Context): Promise<readonly DeviceFile[]>;
  /**
   * Opens one attempt to get the archive; `asRoot` looks for root first, once per session.
   * Errors: `not-root`, `module-refused`, `read-refused`, `device-failed`, `device-lost`.
   */
  openTransfer(request: TransferRequest, asRoot: boolean, ctx: Context): Promise<Transfer>;
}

/** A probe under way. Dispose it to hang up. */
export interface RunningProbe extends AsyncDisposable {
  /** Undefined where the phone does not tell. */
  readonly boot: BootIdentity | undefined;
  /** What is known so far, where that is enough to plan by. */
  readonly sighting?: Sighting | undefined;
  /** Waits for the rest. Errors: `device-failed`, `device-lost`. */
  finish(): Promise<Probe>;
}

export interface SessionOptions {
  readonly root: RootPolicy;
}

/** One running transfer. Dispose it to hang up; the phone then unloads what this transfer loaded. */
export interface Transfer extends AsyncDisposable {
  /** The file on the phone that was loaded or read. */
  readonly path: string;
  /** Bytes of payload to expect. */
  readonly size: number;
  /** True if this transfer loaded the module: ask when the payload has ended. */
  readonly loaded: boolean;
  /** Names of the modules loaded before, where that was asked. */
  readonly before: readonly string[];
  /** The build of the helper that carries it; undefined: the phone's own shell does. */
  readonly agent?: string | undefined;
  /** The payload; ends after `size` bytes. Errors: `device-lost`, `archive-corrupt` with reason `short` or `long`. */
  readonly bytes: AsyncIterable<Buffer>;
  /** Waits until the phone has unloaded and reported. Call it when `bytes` has ended. Errors: `device-lost`. */
  finish(): Promise<TransferReport>;
}
