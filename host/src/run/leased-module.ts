import { type Message, type MessageBody, payloadLimit } from '@kheaders/shared';
import type { AgentLink } from '../device/agent-link.js';
import { AgentFailure, AgentRefusal } from '../device/agent-refusal.js';

export type KernelLine = MessageBody<'line'>;

/** A module that is to be on a phone for as long as this link is there. */
export interface LeasedModuleRequest {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** As formatParameters() gives them. */
  readonly parameters: string;
  /** Who holds it, for others to read. */
  readonly holder: string;
  /** Called with each record of the kernel's log from just before the load on. Untrusted text. */
  readonly onLine: (line: KernelLine) => void;
  /** Called where the log cannot be followed (any more). */
  readonly onLogEnd: (why: string) => void;
}

const pieceBytes = payloadLimit / 2;
/** The helper refuses more than 32 requests that wait. */
const piecesAhead = 16;

/**
 * One module on a phone, held by the helper's lease daemon. The file is sent through the link and has no name there;
 * when the link ends, however it does, the phone unloads the module.
 */
export class LeasedModule {
  readonly #link: AgentLink;
  readonly #request: LeasedModuleRequest;
  #log: number | undefined;

  constructor(link: AgentLink, request: LeasedModuleRequest) {
    this.#link = link;
    this.#request = request;
  }

  /** Sends the file, follows the log from now on, and loads. Errors: AgentRefusal, AgentFailure, those of the link. */
  async load(): Promise<MessageBody<'leased'>> {
    const { name, parameters, holder } = this.#request;
    await this.#send();
    this.#log = this.#link.request({ name: 'log', body: { after: 0, follow: true, fresh: true } });
    const body = { module: name, release: '', paths: [], archives: [], parameters, holder, sole: true };
    const lease = this.#link.request({ name: 'lease', body });
    return this.#reply(lease, 'leased');
  }

  /** Follows the log until `stop` settles, then unloads. Errors: AgentRefusal, AgentFailure, those of the link. */
  async followUntil(stop: Promise<void>): Promise<MessageBody<'released'>> {
    let release: number | undefined;
    void stop.then(() => (release = this.#link.request({ name: 'release', body: {} })));
    for (;;) {
      const message = await this.#receive();
      if (release !== undefined && message.id === release) return expect(message, 'released');
    }
  }

  /** Ends the log: everything the kernel has said until now is told before. Errors: those of the link. */
  async endLog(): Promise<void> {
    if (this.#log === undefined) return;
    const request = this.#log;
    const cancel = this.#link.request({ name: 'cancel', body: { request } });
    await this.#reply(cancel, 'done');
  }

  async #send(): Promise<void> {
    const { bytes } = this.#request;
    const waiting: number[] = [];
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const piece = bytes.subarray(at, at + pieceBytes);
      waiting.push(this.#link.request({ name: 'store', body: { bytes: piece } }));
      if (waiting.length >= piecesAhead) await this.#link.reply(waiting.shift() ?? 0, 'done');
    }
    for (const id of waiting) await this.#link.reply(id, 'done');
  }

  async #reply<N extends Message['name']>(id: number, name: N): Promise<MessageBody<N>> {
    for (;;) {
      const message = await this.#receive();
      if (message.id === id) return expect(message, name);
    }
  }

  /** The next message that is not the log's. */
  async #receive(): Promise<Message> {
    for (;;) {
      const message = await this.#link.receive();
      if (message.id !== this.#log) return message;
      if (message.name === 'line') this.#request.onLine(message.body);
      else this.#endOfLog(message);
    }
  }

  #endOfLog(message: Message): void {
    this.#log = undefined;
    if (message.name !== 'error') this.#request.onLogEnd('it ended');
    else if (message.body.code !== 'cancelled') this.#request.onLogEnd(new AgentRefusal(message.body).message);
  }
}

function expect<N extends Message['name']>(message: Message, name: N): MessageBody<N> {
  if (message.name === 'error') throw new AgentRefusal(message.body);
  if (message.name === name) return message.body as MessageBody<N>;
  throw new AgentFailure('framing', `it answered with ${message.name} in place of ${name}`);
}
