import { createHash } from 'node:crypto';
import type { MessageBody } from '@kheaders/shared';
import type { DeviceAddress } from '../adb/device-service.js';
import { type Context, throwIfAborted } from '../core/context.js';
import { KhError } from '../core/error.js';
import { AgentFailure, AgentRefusal } from './agent-refusal.js';
import { resumeSource } from './agent-resume.js';
import { type AgentRun, type AgentSource, isLost, openAgentSource } from './agent-source.js';
import type { Transfer } from './session.js';
import { wrongLength } from './transfer-header.js';
import type { TransferReport } from './transfer-notes.js';
import type { TransferRequest } from './transfer-script.js';

/** How often one transfer is gone on with. */
const resumeLimit = 3;

/** Opens one transfer through the helper. Errors: as openAgentSource(). */
export async function openAgentTransfer(
  address: DeviceAddress,
  run: AgentRun,
  request: TransferRequest,
  ctx: Context,
): Promise<AgentTransfer> {
  ctx.report({ kind: 'step', step: request.kind === 'module' ? 'load' : 'read' });
  const source = await openAgentSource(address, run, { request, from: { offset: 0, digest: false } }, ctx);
  ctx.report({ kind: 'step', step: 'read', detail: source.header.path });
  return new AgentTransfer(source, { address, run: { ...run, become: undefined }, request, ctx });
}

interface Asking {
  readonly address: DeviceAddress;
  readonly run: AgentRun;
  readonly request: TransferRequest;
  readonly ctx: Context;
}

const nothingLeased: MessageBody<'released'> = { unload: 'none', detail: '', after: [] };

/** A transfer that goes on where it was when the connection is lost; then the digest of the whole decides. */
export class AgentTransfer implements Transfer {
  readonly path: string;
  readonly size: number;
  readonly before: readonly string[];
  readonly agent: string;
  readonly bytes: AsyncIterable<Buffer>;
  readonly #asking: Asking;
  readonly #hash = createHash('sha256');
  #source: AgentSource;
  /** The first message of the source, until it is taken. */
  #first: AgentSource['first'] | undefined;
  #received = 0;
  #resumes = 0;
  #idle = false;
  /** The read's last message, once it is here. */
  #end: MessageBody<'end'> | undefined;

  constructor(source: AgentSource, asking: Asking) {
    const { path, size, before } = source.header;
    this.path = path;
    this.size = size;
    this.before = before;
    this.agent = asking.run.build;
    this.#asking = asking;
    this.#source = source;
    this.#first = source.first;
    this.bytes = this.#readPayload();
  }

  /** Of the lease that holds now: it may be another one than in the beginning. */
  get loaded(): boolean {
    return this.#source.header.loaded;
  }

  async finish(): Promise<TransferReport> {
    try {
      while (this.#end === undefined) await this.#readPiece();
      const { release, link } = this.#source;
      const released = release === undefined ? nothingLeased : await link.reply(release, 'released');
      this.#idle = true;
      const { unload, detail, after } = released;
      return { unload, detail: detail.slice(0, 1000), after, output: '' };
    } catch (error) {
      throw this.#describe(error);
    }
  }

  /** True after finish() and until it is disposed: its link can be asked for more. */
  get idle(): boolean {
    return this.#idle;
  }

  /** The kernel's identity, asked on the idle link. Errors: those of the link. */
  async readKernel(): Promise<MessageBody<'kernel'>> {
    const { link } = this.#source;
    return link.reply(link.request({ name: 'identity', body: {} }), 'kernel');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#idle = false;
    await this.#source.link[Symbol.asyncDispose]();
  }

  /** Ends with the last byte, so that the host works on while the phone unloads. */
  async *#readPayload(): AsyncGenerator<Buffer> {
    const { size } = this;
    let whole = false;
    try {
      while (this.#received < size || (this.#resumes > 0 && this.#end === undefined)) {
        const piece = await this.#readPieceOrResume();
        if (piece === undefined) break;
        this.#hash.update(piece);
        this.#received += piece.length;
        if (this.#received > size) throw this.#wrongLength('long');
        yield piece;
      }
      if (this.#received < size) throw this.#wrongLength('short');
      this.#checkDigest();
      whole = true;
    } finally {
      if (!whole) await this[Symbol.asyncDispose]();
    }
  }

  /** Undefined at the end. */
  async #readPiece(): Promise<Buffer | undefined> {
    const { link, read } = this.#source;
    const message = this.#first ?? (await link.next(read));
    this.#first = undefined;
    if (message.name === 'data') {
      const { bytes } = message.body;
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    if (message.name !== 'end') throw new AgentFailure('framing', `it sent ${message.name} in place of data`);
    this.#end = message.body;
    return undefined;
  }

  async #readPieceOrResume(): Promise<Buffer | undefined> {
    for (;;) {
      try {
        return await this.#readPiece();
      } catch (error) {
        throwIfAborted(this.#asking.ctx);
        if (!isLost(error) || this.#resumes === resumeLimit) throw this.#describe(error);
        await this.#resume(error);
      }
    }
  }

  async #resume(lost: unknown): Promise<void> {
    const { address, run, request, ctx } = this.#asking;
    this.#resumes += 1;
    const message = `The connection broke after ${this.#received} of ${this.size} bytes; going on from there`;
    ctx.report({ kind: 'warning', warning: 'resume', message });
    await this[Symbol.asyncDispose]();
    const from = { offset: this.#received, digest: true };
    const source = await resumeSource(address, run, { request, from }, ctx);
    // Nothing came back, or another phone: what was lost is the failure to tell.
    if (source === undefined) throw this.#describe(lost);
    this.#source = source;
    this.#first = source.first;
    if (source.header.size !== this.size) throw this.#corrupt('changed', this.size, source.header.size);
  }

  /** A transfer in one piece is checked by what it is: xz has sums of its own. */
  #checkDigest(): void {
    if (this.#resumes === 0) return;
    const expected = Buffer.from(this.#end?.digest ?? []).toString('hex');
    const actual = this.#hash.digest('hex');
    if (actual !== expected) throw this.#corrupt('digest', expected, actual);
  }

  #corrupt(reason: string, expected: string | number, actual: string | number): KhError {
    const { serial } = this.#asking.address;
    const details = { serial, reason, expected: String(expected), actual: String(actual) };
    return new KhError('archive-corrupt', 'The archive on the phone is not the one the transfer began with', details);
  }

  #wrongLength(reason: 'short' | 'long'): KhError {
    return wrongLength(reason, { size: this.size, serial: this.#asking.address.serial }, this.#received);
  }

  /** What a failure in the middle of the payload means. */
  #describe(error: unknown): unknown {
    const { serial } = this.#asking.address;
    // The module went under our hands: as the shell's dd that ends early.
    if (error instanceof AgentRefusal && error.body.code === 'io') return this.#wrongLength('short');
    if (error instanceof AgentRefusal) {
      const details = { serial, reason: error.body.code, output: error.message };
      return new KhError('device-failed', 'The helper on the phone failed', details, error);
    }
    if (error instanceof AgentFailure) {
      const details = { serial, reason: error.trouble, output: error.message };
      return new KhError('device-failed', 'The helper on the phone broke down', details, error);
    }
    return error;
  }
}
