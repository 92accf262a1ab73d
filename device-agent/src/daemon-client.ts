import { type Message, type MessageBody, daemonSocket, protocolVersion } from '@kheaders/shared';
import * as native from 'native';
import * as os from 'os';
import { build } from './build.js';
import { runDaemon } from './daemon.js';
import { Link } from './link.js';
import { delay, repeat, startProcess } from './loop.js';
import { listModules } from './modules.js';
import { Refusal } from './refusal.js';
import { readState } from './state-file.js';
import { pingMilliseconds } from './timing.js';

/** How long to try to reach or start a daemon, and the pause between tries. */
const connectMilliseconds = 6_000;
const retryMilliseconds = 30;

type Request = {
  [N in 'lease' | 'release' | 'status' | 'shutdown' | 'ping' | 'join' | 'hello']: Extract<Message, { name: N }>;
}['lease' | 'release' | 'status' | 'shutdown' | 'ping' | 'join' | 'hello'];

interface Waiting {
  readonly resolve: (message: Message) => void;
  readonly reject: (error: unknown) => void;
}

/** The daemon's answer to a lease; undefined where there is none. */
type Leased = MessageBody<'leased'> | Refusal | undefined;

/** Thrown inside when the daemon's end of a link is gone. */
class LinkLost extends Error {}

/** Thrown inside where no daemon runs and none is to be started. */
class NoDaemon extends Error {}

/**
 * The agent's end of its link to the lease daemon, which it starts where none runs. When the daemon is killed, it turns
 * to the one that follows and takes its lease anew: a reader does not notice.
 */
export class DaemonClient {
  #link: Link | undefined;
  #connecting: Promise<Link> | undefined;
  readonly #waiting = new Map<number, Waiting>();
  #lease: MessageBody<'lease'> | undefined;
  /** What the daemon said to it; undefined while it is only asked for. */
  #leased: Leased;
  #lastId = 0;

  constructor() {
    repeat(pingMilliseconds, () => this.#link?.send({ name: 'ping', id: 0, body: {} }));
  }

  /** Holds the module from now on. Errors: Refusal, those of the daemon and `daemon`. */
  async lease(body: MessageBody<'lease'>): Promise<MessageBody<'leased'>> {
    const leased = this.#link === undefined ? await this.#connectWith(body) : undefined;
    if (leased instanceof Refusal) throw leased;
    if (leased !== undefined) return leased;
    const reply = await this.#ask({ name: 'lease', id: 0, body }, 'leased');
    this.#lease = body;
    return (this.#leased = reply.body);
  }

  /** The lease goes with the greeting, which saves both processes a turn. */
  async #connectWith(body: MessageBody<'lease'>): Promise<Leased> {
    this.#lease = body;
    this.#leased = undefined;
    let granted = false;
    try {
      const leased = await this.#connected().then((): Leased => this.#leased);
      granted = leased !== undefined && !(leased instanceof Refusal);
      return leased;
    } finally {
      if (!granted) this.#lease = undefined;
    }
  }

  /**
   * Where the daemon dies meanwhile, the next one is given the lease first: it says then what becomes of the module.
   * Without a lease nothing is asked, and no daemon is started.
   */
  async release(): Promise<MessageBody<'released'>> {
    if (this.#lease === undefined) return { unload: 'none', detail: '', after: listModules() };
    const { body } = await this.#ask({ name: 'release', id: 0, body: {} }, 'released');
    this.#lease = undefined;
    return body;
  }

  /** Undefined where no daemon runs: none is started for that. Errors: Refusal, `not-root` among them. */
  async status(): Promise<MessageBody<'state'> | undefined> {
    return (await this.#askIfThere({ name: 'status', id: 0, body: {} }, 'state'))?.body;
  }

  async shutdown(): Promise<void> {
    await this.#askIfThere({ name: 'shutdown', id: 0, body: {} }, 'done');
  }

  /** Undefined where no daemon runs, also where it has ended while it was asked. */
  async #askIfThere<N extends 'state' | 'done'>(
    request: Request,
    expected: N,
  ): Promise<Extract<Message, { name: N }> | undefined> {
    try {
      return await this.#ask(request, expected, { start: false });
    } catch (error) {
      if (error instanceof NoDaemon) return undefined;
      throw error;
    }
  }

  /** Asks, again if the daemon goes away meanwhile. */
  async #ask<N extends 'leased' | 'released' | 'state' | 'done'>(
    request: Request,
    expected: N,
    { start } = { start: true },
  ): Promise<Extract<Message, { name: N }>> {
    const end = native.bootMilliseconds() + connectMilliseconds;
    for (;;) {
      try {
        const link = await this.#connected(start);
        return expect(await this.#send(link, request), expected);
      } catch (error) {
        if (!(error instanceof LinkLost) || native.bootMilliseconds() > end) throw lostAsRefusal(error);
        await delay(retryMilliseconds);
      }
    }
  }

  #connected(start = true): Promise<Link> {
    if (this.#link !== undefined) return Promise.resolve(this.#link);
    this.#connecting ??= this.#connect(start).finally(() => (this.#connecting = undefined));
    return this.#connecting;
  }

  async #connect(start: boolean): Promise<Link> {
    const end = native.bootMilliseconds() + connectMilliseconds;
    let last = 'no daemon';
    while (native.bootMilliseconds() < end) {
      const fd = native.connect(daemonSocket);
      if (fd < 0 && !start) throw new NoDaemon(last);
      try {
        const link = await (fd < 0 ? this.#start() : this.#greet(fd));
        if (link !== undefined) return (this.#link = link);
      } catch (error) {
        if (error instanceof Refusal && isFinal(error)) throw error;
        last = String(error);
        await delay(retryMilliseconds);
      }
    }
    throw new Refusal('daemon', { detail: last });
  }

  /**
   * Starts a daemon that has the other end of a link already, and the lease: so neither has to greet. Its socket listens
   * before it runs, so that whoever comes next need not wait. Undefined where somebody else has just started one.
   */
  async #start(): Promise<Link | undefined> {
    const listening = native.listen(daemonSocket);
    if (listening === -native.EADDRINUSE) return undefined;
    if (listening < 0) throw new Error(`listen: errno ${-listening}`);
    const pair = native.socketpair();
    if (typeof pair === 'number') {
      os.close(listening);
      throw new Error(`socketpair: errno ${-pair}`);
    }
    const [ours, theirs] = pair;
    const id = this.#nextId();
    const lease = this.#lease && ({ name: 'lease', id, body: this.#lease } as const);
    const pid = await new Promise<number>((started) => {
      startProcess(() => runDaemon(listening, { first: { socket: theirs, lease } }), started);
    });
    os.close(listening);
    os.close(theirs);
    return this.#use(ours, async (link) => {
      if (pid < 0) throw new Error(`fork: errno ${-pid}`);
      return lease && this.#takeLease(this.#replyTo(id, link));
    });
  }

  /** Greets the daemon that runs, shows the token, and takes the lease, anew if there was one. */
  async #greet(fd: number): Promise<Link> {
    const peer = native.peerCredentials(fd);
    if (native.uid() !== 0 || typeof peer === 'number' || peer[1] !== 0) {
      os.close(fd);
      assertRoot();
      throw new Refusal('daemon', { detail: 'another user listens on the name of the lease daemon' });
    }
    const ready = new Promise<number>((resolve) => (this.#greeted = resolve));
    return this.#use(fd, async (link) => {
      const spoken = await this.#orLost(link, ready);
      if (spoken !== protocolVersion) throw otherVersion(spoken);
      const [greeted, joined, leased] = await Promise.all([
        this.#send(link, { name: 'hello', id: 0, body: { protocol: protocolVersion, build, sender: 'agent' } }),
        this.#send(link, { name: 'join', id: 0, body: { token: readState()?.token ?? '' } }),
        this.#lease && this.#takeLease(this.#send(link, { name: 'lease', id: 0, body: this.#lease })),
      ]);
      for (const reply of [greeted, joined]) expect(reply, 'done');
      return leased;
    });
  }

  /** A link on a descriptor, once what is to be said first was said and the lease, if there is one, is held. */
  async #use(fd: number, begin: (link: Link) => Promise<Leased>): Promise<Link> {
    const link = new Link(fd, fd, { message: (message) => this.#take(message), closed: () => this.#lost(link) });
    try {
      const leased = await begin(link);
      // Who holds it already cannot do without: then the daemon is asked again.
      if (leased instanceof Refusal && this.#leased !== undefined) throw leased;
      if (!link.open) throw new LinkLost('the daemon hung up');
      this.#leased = leased;
      return link;
    } catch (error) {
      link.close('refused');
      throw error;
    }
  }

  /** The daemon's answer, or its refusal. */
  async #takeLease(reply: Promise<Message>): Promise<Leased> {
    try {
      return expect(await reply, 'leased').body;
    } catch (error) {
      if (error instanceof Refusal) return error;
      throw error;
    }
  }

  #greeted: (protocol: number) => void = () => undefined;
  #dropped: (() => void)[] = [];

  #orLost<T>(link: Link, wanted: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (!link.open) reject(new LinkLost('the daemon hung up'));
      this.#dropped.push(() => reject(new LinkLost('the daemon hung up')));
      wanted.then(resolve, reject);
    });
  }

  #send(link: Link, request: Request): Promise<Message> {
    const id = this.#nextId();
    const reply = this.#replyTo(id, link);
    link.send({ ...request, id });
    return reply;
  }

  #nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  #replyTo(id: number, link: Link): Promise<Message> {
    return new Promise<Message>((resolve, reject) => {
      if (!link.open) return reject(new LinkLost('the daemon hung up'));
      this.#waiting.set(id, { resolve, reject });
    });
  }

  #take(message: Message): void {
    if (message.name === 'hello') return this.#greeted(message.body.protocol);
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.name === 'error') waiting?.reject(new Refusal(message.body.code, message.body));
    else waiting?.resolve(message);
  }

  /** The daemon is gone: whoever holds a module turns to the next one at once. */
  #lost(link: Link): void {
    const held = this.#link === link && this.#lease !== undefined;
    if (this.#link === link) this.#link = undefined;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(new LinkLost('the daemon hung up'));
    for (const drop of this.#dropped.splice(0)) drop();
    if (held) this.#connected().catch(() => undefined);
  }
}

function expect<N extends Message['name']>(message: Message, name: N): Extract<Message, { name: N }> {
  if (message.name === name) return message as Extract<Message, { name: N }>;
  throw new Refusal('daemon', { detail: `the daemon answered ${message.name}` });
}

/** A daemon talks to root only. Errors: Refusal `not-root`. */
export function assertRoot(): void {
  if (native.uid() !== 0) throw new Refusal('not-root', { detail: `uid ${native.uid()}` });
}

/** Another try would end the same. */
function isFinal({ body }: Refusal): boolean {
  return body.code === 'bad-version' || body.code === 'not-root';
}

function otherVersion(spoken: number): Refusal {
  return new Refusal('bad-version', { detail: `the lease daemon speaks ${spoken}, this agent ${protocolVersion}` });
}

function lostAsRefusal(error: unknown): unknown {
  return error instanceof LinkLost ? new Refusal('daemon', { detail: error.message }) : error;
}
