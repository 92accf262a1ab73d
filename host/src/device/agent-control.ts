import { setTimeout as sleep } from 'node:timers/promises';
import type { MessageBody } from '@kheaders/shared';
import type { DeviceAddress } from '../adb/device-service.js';
import { runShell } from '../adb/shell.js';
import { type Context, abortError } from '../core/context.js';
import { KhError, isKhError } from '../core/error.js';
import { type AgentListing, listScript, parseListing, removeScript } from './agent-control-script.js';
import { type AgentFiles, listAgentPaths } from './agent-files.js';
import { installAgent } from './agent-install.js';
import { type AgentLink, inTime, openAgentLink } from './agent-link.js';
import { asCommandError } from './agent-refusal.js';
import { makeSessionParts } from './session-parts.js';
import type { SessionParts } from './session-parts.js';
import type { SessionOptions } from './session.js';

/** What there is of ours on a phone. */
export interface AgentState extends AgentListing {
  /** The helper of this very version, where it is installed. */
  readonly installed: string | undefined;
  /** What the lease daemon says of itself; undefined where none runs, or it cannot be asked. */
  readonly daemon: MessageBody<'state'> | undefined;
}

/** The daemon waits for others that use a module before it lets a status through. */
const answerMilliseconds = 15_000;
/** How long an ending daemon may take. */
const endMilliseconds = 5_000;
const pauseMilliseconds = 100;

/** The helper on one phone, asked about and looked after outside of any pull. */
export class AgentControl {
  readonly #parts: SessionParts;
  readonly #agents: AgentFiles | undefined;

  constructor(address: DeviceAddress, options: SessionOptions, agents: AgentFiles | undefined) {
    this.#parts = makeSessionParts(address, options, listAgentPaths(agents));
    this.#agents = agents;
  }

  /** Looks without starting a daemon or installing anything. Errors: `agent-refused`; those of the connection. */
  async look(ctx: Context): Promise<AgentState> {
    const listing = await this.#list(ctx);
    const installed = listAgentPaths(this.#agents).find((path) => listing.files.includes(path));
    const state = { ...listing, installed, daemon: undefined };
    if (installed === undefined || listing.running === false) return state;
    try {
      await using link = await this.#open(installed, ctx);
      const daemon = await askStatus(link, ctx);
      return { ...state, running: daemon.daemon !== 0, daemon: daemon.daemon === 0 ? undefined : daemon };
    } catch (error) {
      if (isKhError(error, 'not-root')) return state;
      throw asCommandError(error, this.#parts.serial);
    }
  }

  /** Puts the helper on the phone unless it is there. Errors: `agent-refused`; those of the connection. */
  async install(ctx: Context): Promise<{ readonly path: string; readonly pushed: boolean }> {
    const { agent } = await this.#parts.see(ctx);
    if (agent !== undefined) return { path: agent, pushed: false };
    try {
      return { path: await installAgent(this.#parts.root.address, this.#shipped(), ctx), pushed: true };
    } catch (error) {
      throw asCommandError(error, this.#parts.serial);
    }
  }

  /**
   * Asks the lease daemon to end and waits for that. One that is in use may be there again at once: then what it holds is
   * returned. Errors: `agent-refused` where no helper of this version is there to ask, `not-root`.
   */
  async stop(state: AgentState, ctx: Context): Promise<AgentState> {
    if (state.running === false) return state;
    if (state.installed === undefined) {
      const details = { serial: this.#parts.serial, reason: 'not-installed', choices: state.files };
      throw new KhError(
        'agent-refused',
        'There is no helper of this version on the phone that could be asked',
        details,
      );
    }
    try {
      await using link = await this.#open(state.installed, ctx);
      await inTime(
        'silent',
        answerMilliseconds,
        () => link.reply(link.request({ name: 'shutdown', body: {} }), 'done'),
        ctx,
      );
    } catch (error) {
      throw asCommandError(error, this.#parts.serial);
    }
    return this.#untilEnded(ctx);
  }

  /** Takes all files of ours away; returns what is left. Errors: those of the connection. */
  async remove(ctx: Context): Promise<readonly string[]> {
    const { address } = this.#parts.root;
    await runShell(address, removeScript, ctx);
    const { files } = await this.#list(ctx);
    if (files.length === 0) return files;
    // What root put there in a folder of root's, only root takes away.
    const root = await this.#parts.root.get(ctx).catch((error: unknown) => {
      if (!isKhError(error, 'not-root')) throw error;
    });
    if (root === undefined) return files;
    await runShell(root.address, root.wrap(removeScript), ctx);
    return (await this.#list(ctx)).files;
  }

  /** Puts adbd back where we switched it. */
  async undo(ctx: Context): Promise<void> {
    await this.#parts.root.undo(ctx);
  }

  async #untilEnded(ctx: Context): Promise<AgentState> {
    const end = performance.now() + endMilliseconds;
    for (;;) {
      const { running } = await this.#list(ctx);
      if (running === false || performance.now() > end) return this.look(ctx);
      await sleep(pauseMilliseconds, undefined, { signal: ctx.signal }).catch(() => {
        throw abortError(ctx.signal);
      });
    }
  }

  async #list(ctx: Context): Promise<AgentListing> {
    const { address } = this.#parts.root;
    const { stdout } = await runShell(address, listScript, ctx);
    const listing = parseListing(stdout);
    if (listing !== undefined) return listing;
    throw new KhError('device-failed', 'The device did not list its files', { output: stdout.slice(0, 1000) });
  }

  /** Only root may talk to the daemon. */
  async #open(path: string, ctx: Context): Promise<AgentLink> {
    const { address, wrap } = await this.#parts.root.get(ctx);
    return openAgentLink(address, { path, build: this.#shipped().build, wrap }, [], ctx);
  }

  #shipped(): AgentFiles {
    if (this.#agents !== undefined) return this.#agents;
    const details = { serial: this.#parts.serial, reason: 'not-shipped' };
    throw new KhError('agent-refused', 'This package was built without helper programs', details);
  }
}

function askStatus(link: AgentLink, ctx: Context): Promise<MessageBody<'state'>> {
  const ask = (): Promise<MessageBody<'state'>> => link.reply(link.request({ name: 'status', body: {} }), 'state');
  return inTime('silent', answerMilliseconds, ask, ctx);
}
