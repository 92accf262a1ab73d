import { type Message, type MessageBody, protocolVersion } from '@kheaders/shared';
import * as native from 'native';
import * as os from 'os';
import * as std from 'std';
import { build } from './build.js';
import { awaitChannel } from './channel.js';
import { DaemonClient, assertRoot } from './daemon-client.js';
import { FileError } from './files.js';
import { findSources } from './find.js';
import { readKernel } from './kernel.js';
import { KernelLog } from './kernel-log.js';
import { Link } from './link.js';
import { describeError, Refusal } from './refusal.js';
import { type Reading, sendFile } from './send-file.js';
import { repeat } from './loop.js';
import { silenceMilliseconds } from './timing.js';
import { Upload } from './upload.js';

/** A host that waits for no answer must not fill the agent's memory: what is beyond these is refused. */
const requestLimit = 32;
const logLimit = 4;

/**
 * The conversation with one host on stdin and stdout. Requests are carried out in order; ping, cancel, log and channel do not
 * wait for those before. When the host is gone the process ends, and with it whatever it held.
 */
class HostSession {
  readonly #link: Link;
  readonly #daemon = new DaemonClient();
  readonly #logs = new Map<number, KernelLog>();
  #reading: Reading | undefined;
  #greeted = false;
  #hasChannel = false;
  /** Of the module that is leased. */
  #archive = noArchive;
  #upload: Upload | undefined;
  #last: Promise<void> = Promise.resolve();
  /** Requests that are not answered yet. */
  #waiting = 0;

  constructor() {
    this.#link = new Link(0, 1, {
      message: (message) => this.#take(message),
      closed: (reason) => std.exit(reason === 'end' ? 0 : 1),
    });
    this.#link.send({ name: 'hello', id: 0, body: { protocol: protocolVersion, build, sender: 'agent' } });
    repeat(silenceMilliseconds / 4, () => {
      if (native.bootMilliseconds() - this.#link.heard > silenceMilliseconds) std.exit(1);
    });
  }

  #take(message: Message): void {
    if (!this.#greeted) return this.#greet(message);
    if (message.name === 'ping') return this.#link.send({ name: 'done', id: message.id, body: {} });
    if (message.name === 'log') return this.#startLog(message.id, message.body);
    if (message.name === 'channel') return this.#openChannel(message.id, message.body.name);
    if (message.name === 'cancel') return this.#cancel(message.id, message.body.request);
    if (this.#waiting >= requestLimit) return this.#refuse(message.id, new Refusal('bad-order', tooMany));
    this.#waiting += 1;
    this.#last = this.#last.then(() => this.#serve(message)).then(() => void (this.#waiting -= 1));
  }

  #greet(message: Message): void {
    const fits = message.name === 'hello' && message.body.protocol === protocolVersion && message.body.build === build;
    this.#greeted = fits;
    if (fits) return;
    const detail = `this agent speaks ${protocolVersion} and is build ${build}`;
    this.#link.send({ name: 'error', id: message.id, body: { code: 'bad-version', errno: 0, path: '', detail } });
    void this.#link.finish('bad-version');
  }

  async #serve(message: Message): Promise<void> {
    try {
      const reply = await this.#answer(message);
      if (reply !== undefined) this.#link.send(reply);
    } catch (error) {
      this.#refuse(message.id, error);
    }
  }

  #refuse(id: number, error: unknown): void {
    this.#link.send({ name: 'error', id, body: describeError(error) });
  }

  /** The reply; undefined where it has been sent. */
  async #answer(message: Message): Promise<Message | undefined> {
    const { id } = message;
    switch (message.name) {
      case 'identity':
        return { name: 'kernel', id, body: readKernel() };
      case 'find':
        return { name: 'found', id, body: findSources() };
      case 'stat':
        return { name: 'fileInfo', id, body: readFileInfo(message.body.path) };
      case 'read':
        await this.#sendFile(id, message.body);
        return undefined;
      case 'store':
        this.#upload ??= new Upload();
        this.#upload.append(message.body.bytes);
        return { name: 'done', id, body: {} };
      case 'lease':
        return { name: 'leased', id, body: await this.#lease(message.body) };
      case 'release':
        this.#archive = noArchive;
        return { name: 'released', id, body: await this.#daemon.release() };
      case 'status':
        return { name: 'state', id, body: (await this.#daemon.status()) ?? noDaemon };
      case 'shutdown':
        await this.#daemon.shutdown();
        return { name: 'done', id, body: {} };
      default:
        throw new Refusal('bad-order', { detail: `${message.name} is no request` });
    }
  }

  async #lease(body: MessageBody<'lease'>): Promise<MessageBody<'leased'>> {
    assertRoot();
    const upload = body.paths.length === 0 ? this.#upload : undefined;
    if (upload !== undefined) this.#upload = undefined;
    try {
      const leased = await this.#daemon.lease(upload === undefined ? body : { ...body, paths: [upload.finish()] });
      this.#archive = { path: leased.archive, size: leased.size };
      return leased;
    } finally {
      upload?.close();
    }
  }

  /** Without a path: the archive of the module that is leased. */
  async #sendFile(id: number, body: MessageBody<'read'>): Promise<void> {
    const reading = (this.#reading = { id, cancelled: false });
    if (body.path !== '') return sendFile(this.#link, { ...body, reading, leased: undefined });
    const { path, size } = this.#archive;
    if (path === '') throw new Refusal('bad-order', { detail: 'there is no lease with an archive' });
    await sendFile(this.#link, { ...body, reading, path, leased: size });
  }

  #startLog(id: number, body: MessageBody<'log'>): void {
    for (const [other, { open }] of this.#logs) if (!open) this.#logs.delete(other);
    try {
      if (this.#logs.has(id) || this.#logs.size >= logLimit) throw new Refusal('bad-order', tooMany);
      this.#logs.set(id, new KernelLog(this.#link, id, body));
    } catch (error) {
      this.#refuse(id, error);
    }
  }

  #openChannel(id: number, name: string): void {
    try {
      if (this.#hasChannel) throw new Refusal('bad-order', { detail: 'there is a channel already' });
      awaitChannel(name, (fd) => this.#link.move(fd, { name: 'moved', id, body: {} }));
      this.#hasChannel = true;
      this.#link.send({ name: 'done', id, body: {} });
    } catch (error) {
      this.#refuse(id, error);
    }
  }

  /** What has ended, or was not begun, is left as it is. */
  #cancel(id: number, request: number): void {
    if (this.#reading?.id === request) this.#reading.cancelled = true;
    const log = this.#logs.get(request);
    this.#logs.delete(request);
    if (log?.open === true) {
      log.finish();
      this.#link.send({ name: 'error', id: request, body: { code: 'cancelled', errno: 0, path: '', detail: '' } });
    }
    this.#link.send({ name: 'done', id, body: {} });
  }
}

const noArchive = { path: '', size: 0 };

const tooMany = { detail: 'too many requests at once' };

const noDaemon: MessageBody<'state'> = {
  build,
  daemon: 0,
  guard: 0,
  memory: 0,
  milliseconds: 0,
  detached: false,
  modules: [],
  leases: [],
};

function readFileInfo(path: string): MessageBody<'fileInfo'> {
  const [info, errno] = os.stat(path);
  if (info === null) throw new FileError(errno, path);
  return { size: info.size, mode: info.mode, uid: info.uid };
}

export function runHostSession(): void {
  new HostSession();
}
