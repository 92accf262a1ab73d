import { describeCaller } from '../core/environment.js';
import { type Context, throwIfAborted } from '../core/context.js';
import { KhError } from '../core/error.js';
import { asProbe, findBoot } from './agent-kernel.js';
import type { Probe } from './probe.js';
import type { AgentFiles } from './agent-files.js';
import { installAgent } from './agent-install.js';
import { AgentFailure } from './agent-refusal.js';
import type { AgentRun } from './agent-source.js';
import { type AgentTransfer, openAgentTransfer } from './agent-transfer.js';
import type { SessionParts } from './session-parts.js';
import type { RunningProbe, Transfer } from './session.js';
import type { TransferRequest } from './transfer-script.js';

/** The helper in one session: installed at most once, root found as the shell's session does. */
export class AgentUse {
  readonly #parts: SessionParts;
  readonly #agents: AgentFiles;
  #installed: Promise<string> | undefined;
  #transfer: AgentTransfer | undefined;

  constructor(parts: SessionParts, agents: AgentFiles) {
    this.#parts = parts;
    this.#agents = agents;
  }

  /** Errors: those of Session.openTransfer(); AgentFailure where the helper cannot be used. */
  async open(request: TransferRequest, asRoot: boolean, ctx: Context): Promise<Transfer> {
    this.#transfer = await this.#open({ request, asRoot }, ctx);
    return this.#transfer;
  }

  /**
   * Asks for the kernel's identity on the link that a transfer has left idle, which saves a conversation; undefined
   * where there is none, or it fails: then the phone's shell is asked.
   */
  async openProbe(ctx: Context): Promise<RunningProbe | undefined> {
    if (this.#transfer?.idle !== true) return undefined;
    ctx.report({ kind: 'step', step: 'probe' });
    try {
      const [kernel, seen] = await Promise.all([this.#transfer.readKernel(), this.#parts.see(ctx)]);
      const finish = async (): Promise<Probe> => asProbe(kernel, seen);
      return { boot: findBoot(kernel), sighting: seen, finish, [Symbol.asyncDispose]: () => Promise.resolve() };
    } catch {
      throwIfAborted(ctx);
      return undefined;
    }
  }

  async #open(asked: Asked, ctx: Context): Promise<AgentTransfer> {
    const { agent } = this.#installed === undefined ? await this.#parts.see(ctx) : {};
    if (agent === undefined) return this.#start(await this.#install(ctx), asked, ctx);
    try {
      return await this.#start(agent, asked, ctx);
    } catch (error) {
      // Another host may have taken its file away since the probe saw it.
      if (!(error instanceof AgentFailure && error.trouble === 'start')) throw error;
      return this.#start(await this.#install(ctx), asked, ctx);
    }
  }

  #install(ctx: Context): Promise<string> {
    this.#installed ??= installAgent(this.#parts.root.address, this.#agents, ctx);
    return this.#installed;
  }

  async #start(path: string, asked: Asked, ctx: Context): Promise<AgentTransfer> {
    const { root, become } = this.#parts;
    const { request, asRoot } = asked;
    const run: AgentRun = {
      path,
      build: this.#agents.build,
      asRoot,
      holder: describeCaller(),
      wrap: (script) => script,
      become,
    };
    if (!asRoot) return openAgentTransfer(root.address, run, request, ctx);
    const guessed = await root.guess(
      ({ wrap, milliseconds }) =>
        openAgentTransfer(root.address, { ...run, wrap, milliseconds }, request, ctx).catch(asGuess),
      ctx,
    );
    if (guessed !== undefined) return guessed;
    const { wrap, address } = await root.get(ctx);
    return openAgentTransfer(address, { ...run, wrap, become: undefined }, request, ctx);
  }
}

interface Asked {
  readonly request: TransferRequest;
  readonly asRoot: boolean;
}

/** Before the helper's first word it may as well be su that fails: SessionRoot finds out. */
function asGuess(error: unknown): never {
  if (error instanceof AgentFailure && error.trouble === 'start') {
    throw new KhError('device-failed', 'The helper on the phone did not start', { output: error.message }, error);
  }
  if (error instanceof AgentFailure && error.trouble === 'mute') {
    throw new KhError(
      'timeout',
      'The helper on the phone did not answer in its time',
      { output: error.message },
      error,
    );
  }
  throw error;
}
