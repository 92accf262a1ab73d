import { type Message, daemonSocket, protocolVersion } from '@kheaders/shared';
import * as native from 'native';
import * as os from 'os';
import * as std from 'std';
import { build } from './build.js';
import { leaveCgroup } from './cgroup.js';
import { toHex } from './files.js';
import { detach } from './detach.js';
import { GuardProcess } from './guard-process.js';
import { type Holder, Holdings } from './holdings.js';
import { Link } from './link.js';
import { delay, onReadable, repeat } from './loop.js';
import { describeError, Refusal } from './refusal.js';
import { isLoaded } from './modules.js';
import { residentKilobytes } from './memory.js';
import { type LeaseState, formatState, parseState, readState, removeState, writeState } from './state-file.js';
import { idleMilliseconds, orphanMilliseconds, silenceMilliseconds } from './timing.js';

const clientsBetweenCollections = 16;

interface Client extends Holder {
  readonly link: Link;
  readonly pid: number;
  greeted: boolean;
  joined: boolean;
  lease?: { readonly module: string; readonly holder: string; readonly since: number } | undefined;
}

/** Who started the daemon: nobody has to greet or to prove anything, and what it wants is known already. */
export interface FirstClient {
  /** Our end of the link to it. */
  readonly socket: number;
  readonly lease: Extract<Message, { name: 'lease' }> | undefined;
}

/**
 * One on a phone: holds modules for as long as anybody at the other end of a socket wants them, and unloads those it
 * loaded. It never unloads a module it did not load.
 */
class Daemon {
  readonly #clients = new Set<Client>();
  readonly #holdings = new Holdings(() => this.#record());
  readonly #guard: GuardProcess;
  #token = makeToken();
  readonly #since = native.bootMilliseconds();
  readonly #detached: boolean;
  #idleSince = native.bootMilliseconds();
  #ending = false;
  /** Clients that came and went. */
  #left = 0;
  /** Asked to end as soon as nobody holds anything. */
  #retiring = false;

  constructor(listening: number, before: LeaseState | undefined, first: FirstClient | undefined) {
    this.#detached = leaveCgroup();
    for (const { name, path } of before?.modules ?? []) if (isLoaded(name)) this.#holdings.adopt(name, path);
    this.#guard = new GuardProcess({
      describe: () => this.#stateText(),
      takeOver: (last) => void takeOver(last),
      ready: () => this.#open(listening, first),
    });
    os.signal(os.SIGTERM, () => void this.#end());
    repeat(250, () => this.#look());
    void delay(orphanMilliseconds).then(() => this.#holdings.releaseOrphans());
  }

  /** Once there is a guard: from then on somebody cleans up, whatever becomes of this process. */
  #open(listening: number, first: FirstClient | undefined): void {
    // Where the file cannot be written nobody could know the token: then the peer's uid has to do.
    if (!writeState({ token: this.#token, modules: this.#holdings.loaded })) this.#token = '';
    this.#guard.tell();
    onReadable(listening, () => this.#accept(listening));
    if (first !== undefined) this.#welcome(first);
  }

  /** Who started us is a copy of the same program and of the same user. */
  #welcome({ socket, lease }: FirstClient): void {
    const client = this.#meet(socket);
    if (client === undefined) return;
    client.greeted = true;
    client.joined = true;
    if (lease !== undefined) void this.#serve(client, lease);
  }

  #stateText(): string {
    return formatState({ token: this.#token, modules: this.#holdings.loaded });
  }

  /** Before a load and after an unload: whoever comes after us must know. */
  #record(): void {
    if (this.#token !== '') writeState({ token: this.#token, modules: this.#holdings.loaded });
    this.#guard.tell();
  }

  #accept(listening: number): void {
    const fd = native.accept(listening);
    const client = fd < 0 ? undefined : this.#meet(fd);
    client?.link.send({ name: 'hello', id: 0, body: { protocol: protocolVersion, build, sender: 'lease daemon' } });
  }

  /** Undefined where the other end is not root. */
  #meet(fd: number): Client | undefined {
    const peer = native.peerCredentials(fd);
    if (typeof peer === 'number' || peer[1] !== 0) {
      os.close(fd);
      return undefined;
    }
    const link = new Link(fd, fd, {
      message: (message) => void this.#serve(client, message),
      closed: () => void this.#leave(client),
    });
    const client: Client = { link, pid: peer[0], greeted: false, joined: false };
    this.#clients.add(client);
    return client;
  }

  async #leave(client: Client): Promise<void> {
    this.#clients.delete(client);
    client.lease = undefined;
    await this.#holdings.release(client);
    this.#idleSince = native.bootMilliseconds();
    // A daemon that many come to would grow until the engine collects by itself. Not each time: to collect is to write to all
    // memory, and what is shared with the guard is copied then.
    this.#left += 1;
    if (this.#left % clientsBetweenCollections === 0) std.gc();
  }

  async #serve(client: Client, message: Message): Promise<void> {
    const { link } = client;
    try {
      link.send(await this.#answer(client, message));
    } catch (error) {
      link.send({ name: 'error', id: message.id, body: describeError(error) });
      if (!client.joined) await link.finish('refused');
    }
  }

  async #answer(client: Client, message: Message): Promise<Message> {
    const { id } = message;
    if (!client.joined) return this.#admit(client, message);
    switch (message.name) {
      case 'lease': {
        const { module, holder } = message.body;
        const body = await this.#holdings.acquire(client, message.body);
        client.lease = { module, holder, since: native.bootMilliseconds() };
        return { name: 'leased', id, body };
      }
      case 'release':
        client.lease = undefined;
        return { name: 'released', id, body: await this.#holdings.release(client) };
      case 'status':
        return { name: 'state', id, body: this.#status() };
      case 'shutdown':
        this.#retiring = true;
        return { name: 'done', id, body: {} };
      case 'ping':
        return { name: 'done', id, body: {} };
      default:
        throw new Refusal('bad-order', { detail: `${message.name} is not for the lease daemon` });
    }
  }

  /** hello, then join with the token. */
  #admit(client: Client, message: Message): Message {
    const { id } = message;
    if (!client.greeted) {
      const known = message.name === 'hello' && message.body.protocol === protocolVersion;
      if (!known) throw new Refusal('bad-version', { detail: `this daemon speaks ${protocolVersion}` });
      client.greeted = true;
      return { name: 'done', id, body: {} };
    }
    if (message.name !== 'join' || message.body.token !== this.#token) throw new Refusal('bad-peer');
    client.joined = true;
    return { name: 'done', id, body: {} };
  }

  #status(): Extract<Message, { name: 'state' }>['body'] {
    const now = native.bootMilliseconds();
    const leases = [...this.#clients].flatMap(({ lease, pid }) =>
      lease === undefined ? [] : [{ ...lease, pid, milliseconds: Math.floor(now - lease.since) }],
    );
    return {
      build,
      daemon: native.pid(),
      guard: this.#guard.pid,
      memory: residentKilobytes(native.pid()) + residentKilobytes(this.#guard.pid),
      milliseconds: Math.floor(now - this.#since),
      detached: this.#detached,
      modules: this.#holdings.loaded.map(({ name }) => name),
      leases,
    };
  }

  /** Ends links that were silent for too long, and itself when nobody has come for a while. */
  #look(): void {
    const now = native.bootMilliseconds();
    for (const { link } of [...this.#clients]) if (now - link.heard > silenceMilliseconds) link.close('silence');
    if (this.#retiring && this.#holdings.idle) return void this.#end();
    const busy = this.#clients.size > 0 || !this.#holdings.idle || now - this.#since < orphanMilliseconds + 500;
    if (busy) this.#idleSince = now;
    else if (now - this.#idleSince >= idleMilliseconds) void this.#end();
  }

  /** Gives everything back and ends. What could not be unloaded stays in the state file for the next daemon. */
  async #end(): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    for (const { link } of [...this.#clients]) link.close('shutdown');
    await this.#holdings.releaseOrphans();
    if (this.#holdings.loaded.length === 0) removeState();
    this.#guard.dismiss();
    std.exit(0);
  }
}

function makeToken(): string {
  const bytes = new ArrayBuffer(16);
  const fd = os.open('/dev/urandom', os.O_RDONLY | native.O_CLOEXEC);
  const count = fd < 0 ? fd : native.readFull(fd, bytes, 0, bytes.byteLength);
  if (fd >= 0) os.close(fd);
  if (count !== bytes.byteLength) throw new Refusal('daemon', { errno: -count, path: '/dev/urandom' });
  return toHex(bytes);
}

/** Where a daemon comes from. */
export interface DaemonOrigin {
  /** What the daemon before it left; where that is not known the state file tells. */
  readonly before?: LeaseState | undefined;
  /** Whoever started it. */
  readonly first?: FirstClient | undefined;
}

/** Runs the daemon on a listening socket. */
export function runDaemon(listening: number, { before, first }: DaemonOrigin): void {
  detach(first === undefined ? [listening] : [listening, first.socket]);
  native.setName('kheaders-daemon');
  new Daemon(listening, before ?? readState(), first);
}

/** How long a daemon that was killed may keep its name: its descriptors are closed one after the other. */
const partingTries = 50;
const partingPause = 20;

/** What the guard does when its daemon was killed: `last` is the state it was told last. */
async function takeOver(last: string): Promise<void> {
  for (let left = partingTries; left > 0; left -= 1) {
    const listening = native.listen(daemonSocket);
    if (listening >= 0) return runDaemon(listening, { before: parseState(last) });
    await delay(partingPause);
  }
  // Another daemon runs already: it has read the state file.
  std.exit(0);
}
