import type { MessageBody } from '@kheaders/shared';
import * as native from 'native';
import { type LeaseRequest, ModuleLease, type Released, assertLeasable, findArchive } from './module-lease.js';
import { listModules } from './modules.js';
import { Refusal } from './refusal.js';
import type { LeaseState } from './state-file.js';

/** Somebody who holds a module: a link of the daemon. */
export type Holder = object;

interface Holding {
  readonly module: ModuleLease;
  readonly holders: Set<Holder>;
  /** It is loaded, by us or by somebody else, and we look after it. */
  open: boolean;
  closing: Promise<Released> | undefined;
}

/** The modules the daemon looks after, each with everybody who holds it. */
export class Holdings {
  readonly #byName = new Map<string, Holding>();
  readonly #changed: () => void;

  /** `changed` is called before a module is loaded and after it was unloaded. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Modules we loaded or are about to load. */
  get loaded(): LeaseState['modules'] {
    const ours = [...this.#byName.values()].filter(({ module }) => module.ours || module.path !== '');
    return ours.map(({ module }) => ({ name: module.name, path: module.path }));
  }

  /** True while nobody holds anything and nothing is being unloaded. */
  get idle(): boolean {
    return [...this.#byName.values()].every(({ holders, closing }) => holders.size === 0 && closing === undefined);
  }

  /** Takes over a module that a daemon before us loaded; nobody holds it yet. */
  adopt(name: string, path: string): void {
    const module = ModuleLease.adopt(name, path);
    this.#byName.set(name, { module, holders: new Set(), open: true, closing: undefined });
  }

  /** Errors: Refusal `vermagic`, `load`, `io`, `no-archive`; the holder then holds nothing. */
  async acquire(holder: Holder, request: LeaseRequest): Promise<MessageBody<'leased'>> {
    assertLeasable(request);
    if (request.sole) this.#assertFree(request);
    const holding = this.#find(request.module);
    // Before waiting: whoever unloads sees that it is wanted again.
    holding.holders.add(holder);
    try {
      await holding.closing;
      // Who left while the module was being unloaded must not have it loaded anew: nobody would unload it.
      if (!holding.holders.has(holder)) throw new Refusal('cancelled');
      if (!holding.open) this.#load(holding, request);
      const { path: archive, size } = await findArchive(request.archives);
      const { ours, path, before } = holding.module;
      return { path, archive, size, ours, before };
    } catch (error) {
      await this.release(holder);
      throw error;
    }
  }

  /** A holder that comes back after a daemon's death finds its own file, whose path no other has. */
  #assertFree({ module: name, paths }: LeaseRequest): void {
    const { holders, open, module } = this.#byName.get(name) ?? {};
    if (holders === undefined || (holders.size === 0 && (open === false || module?.path === paths[0]))) return;
    throw new Refusal('load', { errno: native.EEXIST, detail: 'somebody else holds a module of that name' });
  }

  #find(name: string): Holding {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const made: Holding = { module: new ModuleLease(name), holders: new Set(), open: false, closing: undefined };
    this.#byName.set(name, made);
    return made;
  }

  #load(holding: Holding, request: LeaseRequest): void {
    try {
      holding.module.open(request, () => this.#changed());
      holding.open = true;
    } finally {
      // What was intended has happened or not; where the module is not ours after all, nothing is left to undo.
      if (!holding.module.ours) this.#changed();
    }
  }

  /** Ends whatever this holder has. The last one out waits until the module is unloaded. */
  async release(holder: Holder): Promise<Released> {
    const held = [...this.#byName.values()].filter(({ holders }) => holders.delete(holder));
    const results = await Promise.all(held.map((holding) => this.#leave(holding)));
    return results[0] ?? { unload: 'none', detail: '', after: listModules() };
  }

  /** Unloads what nobody holds: what was adopted and not asked for again. */
  async releaseOrphans(): Promise<void> {
    const orphans = [...this.#byName.values()].filter(({ holders }) => holders.size === 0);
    await Promise.all(orphans.map((holding) => this.#leave(holding)));
  }

  async #leave(holding: Holding): Promise<Released> {
    if (holding.holders.size > 0) return { unload: 'kept', detail: '', after: listModules() };
    if (!holding.open) {
      this.#forget(holding);
      return { unload: 'none', detail: '', after: listModules() };
    }
    holding.closing ??= this.#close(holding);
    return holding.closing;
  }

  async #close(holding: Holding): Promise<Released> {
    const { module, holders } = holding;
    const result = await module.close(() => holders.size > 0);
    holding.closing = undefined;
    if (result.unload === 'kept' || result.unload === 'failed') return result;
    holding.open = false;
    this.#forget(holding);
    return result;
  }

  /** Where somebody waits for it already, it is opened anew as the same holding. */
  #forget({ module, holders }: Holding): void {
    module.ours = false;
    module.path = '';
    if (holders.size === 0) this.#byName.delete(module.name);
    this.#changed();
  }
}
