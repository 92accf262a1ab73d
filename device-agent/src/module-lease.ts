import type { MessageBody } from '@kheaders/shared';
import * as native from 'native';
import * as os from 'os';
import { FileError, exists, openFile } from './files.js';
import { isLoaded, listModules, loadModule } from './modules.js';
import { isModuleName, isPlainPath } from './names.js';
import { Refusal } from './refusal.js';
import { delay } from './loop.js';
import { unloadMilliseconds } from './timing.js';
import { readVermagic } from './vermagic.js';

export type LeaseRequest = MessageBody<'lease'>;
export type Released = MessageBody<'released'>;

const pollMilliseconds = 100;
/** A loaded module shows its archive at once; another host may be about to unload it. */
const archivePolls = 10;

/**
 * One module that somebody holds. Knows whether we loaded it, and undoes only that.
 *
 * Other hosts may pull without an agent: whoever reads what another loaded holds a shared lock on the .ko file, and
 * whoever loaded waits for the exclusive one before it unloads (host/src/device/transfer-script.ts does the same).
 */
export class ModuleLease {
  readonly name: string;
  /** The file it was loaded from; empty where it was there before and no file is known. */
  path = '';
  ours = false;
  /** Names of the modules before. */
  before: readonly string[] = [];
  #file = -1;

  constructor(name: string) {
    this.name = name;
  }

  /** Takes over what a daemon that was killed had loaded. */
  static adopt(name: string, path: string): ModuleLease {
    const lease = new ModuleLease(name);
    lease.path = path;
    lease.ours = true;
    lease.before = listModules().filter((other) => other !== name);
    return lease;
  }

  /**
   * Loads the module, or finds it loaded; `intend` is called with a file just before it is loaded.
   * Errors: Refusal `vermagic`, `load`, `io`.
   */
  open(request: LeaseRequest, intend: (path: string) => void): void {
    this.before = listModules();
    if (isLoaded(this.name) && this.#share(request)) return;
    const path = chooseFile(request);
    const file = openFile(path);
    this.path = path;
    intend(path);
    const result = loadModule(file, request.parameters);
    if (result === 0) {
      this.ours = true;
      this.#file = file;
      return;
    }
    os.close(file);
    this.path = '';
    if (result !== -native.EEXIST) throw new Refusal('load', { errno: -result, path });
    this.#share(request);
  }

  /**
   * The module is somebody else's: locks it against that one unloading it. False where it has gone in between.
   * Errors: Refusal `load` where it must not be shared.
   */
  #share(request: LeaseRequest): boolean {
    if (request.sole) throw new Refusal('load', { errno: native.EEXIST, detail: 'a module of that name is loaded' });
    const path = request.paths.find((candidate) => exists(candidate));
    if (path === undefined) return isLoaded(this.name);
    this.#file = os.open(path, os.O_RDONLY | native.O_CLOEXEC);
    if (this.#file >= 0) native.lock(this.#file, false);
    if (isLoaded(this.name)) return true;
    this.#closeFile();
    return false;
  }

  /** Unloads it if it is ours, with patience for others; `wanted` says that somebody wants it again. */
  async close(wanted: () => boolean): Promise<Released> {
    if (!this.ours) {
      this.#closeFile();
      return this.#result('none');
    }
    if (this.#file < 0) this.#file = os.open(this.path, os.O_RDONLY | native.O_CLOEXEC);
    const end = native.bootMilliseconds() + unloadMilliseconds;
    for (;;) {
      const refusal = this.#unload();
      if (refusal === 0 || refusal === native.ENOENT) {
        this.#closeFile();
        return this.#result(refusal === 0 ? 'ok' : 'gone');
      }
      if (wanted()) return this.#result('kept');
      if (native.bootMilliseconds() > end) return this.#result('failed', refusal);
      await delay(pollMilliseconds);
    }
  }

  /** 0, or the errno of what is in the way. */
  #unload(): number {
    const locked = this.#file < 0 ? 0 : native.lock(this.#file, true);
    if (locked === -native.EAGAIN) return native.EAGAIN;
    const result = -native.unloadModule(this.name);
    if (this.#file >= 0) native.unlock(this.#file);
    return result;
  }

  #result(unload: Released['unload'], errno = 0): Released {
    const reader = errno === native.EAGAIN ? 'somebody reads or uses it' : `errno ${errno}`;
    return { unload, detail: errno === 0 ? '' : `${this.name}: ${reader}`, after: listModules() };
  }

  #closeFile(): void {
    if (this.#file >= 0) os.close(this.#file);
    this.#file = -1;
  }
}

/** The first file that is for the running kernel. Errors: Refusal `vermagic` with what was seen. */
function chooseFile(request: LeaseRequest): string {
  const seen: string[] = [];
  for (const path of request.paths.filter((candidate) => isPlainPath(candidate))) {
    const vermagic = readVermagicOf(path);
    if (request.release === '' || `${vermagic} `.startsWith(`${request.release} `)) return path;
    seen.push(`${path} (${vermagic || 'unreadable'});`);
  }
  throw new Refusal('vermagic', { detail: seen.join(' ') });
}

function readVermagicOf(path: string): string {
  try {
    return readVermagic(path);
  } catch (error) {
    if (error instanceof FileError) return '';
    throw error;
  }
}

/** Refuses what no honest host asks for. Errors: Refusal `load`. */
export function assertLeasable({ module, paths }: LeaseRequest): void {
  if (isModuleName(module) && paths.every((path) => isPlainPath(path))) return;
  throw new Refusal('load', { errno: native.EINVAL, detail: 'not the name of a module, or not a plain path' });
}

/** Waits for one of the files to appear. Errors: Refusal `no-archive`. */
export async function findArchive(
  archives: readonly string[],
): Promise<{ readonly path: string; readonly size: number }> {
  if (archives.length === 0) return { path: '', size: 0 };
  for (let left = archivePolls; left > 0; left -= 1) {
    const path = archives.find((candidate) => exists(candidate));
    if (path !== undefined) return { path, size: os.stat(path)[0]?.size ?? 0 };
    await delay(pollMilliseconds);
  }
  throw new Refusal('no-archive', { detail: 'the module is loaded but shows no archive' });
}
