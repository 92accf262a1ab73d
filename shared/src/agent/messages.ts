import { type Field, type Value, flag, list, oneOf, record, rest, text, u32, u64, u8 } from './fields.js';
import { wireCodes } from './wire-error.js';

/** Raised with every change of a frame or a message: both ends must have the very same. docs/PROTOCOL.md draws it. */
export const protocolVersion = 3;

const nothing = record({});

/** A file on the phone, and whether this agent may read it. */
const deviceFile = record({ path: text, readable: flag });

/** One holder of a module. */
const leaseInfo = record({
  /** Who: `user@host pid`, as the host gave it. */
  holder: text,
  /** The agent process that holds it. */
  pid: u32,
  module: text,
  /** How long it has been held. */
  milliseconds: u64,
});

/** What became of a module when a lease ended. */
export const unloadResults = ['none', 'ok', 'gone', 'kept', 'failed'] as const;

const hello = record({
  protocol: u32,
  /** The agent's build, as the sender has it. */
  build: text,
  /** The sender: `kheaders 0.1.0`, or the agent's role. */
  sender: text,
});

/**
 * Every message of the protocol: its tag on the wire and its fields in order. Requests have tags below 64 and an id that
 * their replies carry.
 */
export const messages = {
  /** First on every link, in both directions. */
  hello: { tag: 1, body: hello },
  /** → kernel */
  identity: { tag: 2, body: nothing },
  /** → found: looks for archives and kheaders.ko below all known folders. */
  find: { tag: 3, body: nothing },
  /** → leased: loads the module unless it is loaded, and keeps it until release, or until this link ends. */
  lease: {
    tag: 4,
    body: record({
      module: text,
      /** Loads only a file whose vermagic begins with this release; empty: any. */
      release: text,
      /** Files to try, in order; none: the file that was sent by `store`. */
      paths: list(text),
      /** Files of which one must appear; none: that is not asked. */
      archives: list(text),
      parameters: text,
      holder: text,
      /** Nobody else: refused with EEXIST where the module is loaded already, or held by another. */
      sole: flag,
    }),
  },
  /** → released */
  release: { tag: 5, body: nothing },
  /**
   * → data…, end. An empty path is the archive of the lease. The file is read at once, ahead of the link, as far as the
   * agent's buffer allows. With `digest`, the sha256 of the whole file comes in end, whatever the offset.
   */
  read: { tag: 6, body: record({ path: text, offset: u64, digest: flag }) },
  /** → fileInfo */
  stat: { tag: 7, body: record({ path: text }) },
  /**
   * → line…, end: the kernel's log, from the record after `after` on; it goes on until cancelled where `follow` is set.
   * With `fresh` nothing is told of what was there before.
   */
  log: { tag: 8, body: record({ after: u64, follow: flag, fresh: flag }) },
  /** → state */
  status: { tag: 9, body: nothing },
  /** → done: asks the lease daemon to end as soon as nobody holds a lease. */
  shutdown: { tag: 10, body: nothing },
  /** → done. Any message keeps a link alive; this one does nothing else. */
  ping: { tag: 11, body: nothing },
  /**
   * → done. A log that is followed tells what is there and ends with an error `cancelled`, and so does a read that is under
   * way. Other requests are not cancelled: end the link.
   */
  cancel: { tag: 12, body: record({ request: u32 }) },
  /** First from an agent to the lease daemon, after hello: the token of its state file. → done */
  join: { tag: 13, body: record({ token: text }) },
  /** → done: the next bytes of a file that has no name and ends with the session; the next lease without paths loads it. */
  store: { tag: 14, body: record({ bytes: rest }) },
  /**
   * → done: the agent listens on this name of the abstract namespace. → moved, the last word on the first way, once the host
   * has connected to it through adbd: all else comes from there. What goes to the agent stays on its standard input.
   */
  channel: { tag: 15, body: record({ name: text }) },

  kernel: {
    tag: 64,
    body: record({
      bootId: text,
      procVersion: text,
      machine: text,
      /** Hex; empty where the file is not readable. */
      configSha256: text,
      notesSha256: text,
      /** Properties of the phone; empty: not known. */
      fingerprint: text,
      abi: text,
      vbmeta: text,
    }),
  },
  found: { tag: 65, body: record({ live: list(deviceFile), modules: list(deviceFile) }) },
  leased: {
    tag: 66,
    body: record({
      /** The module file; empty where the module was there before. */
      path: text,
      archive: text,
      size: u64,
      /** True if the daemon loaded it and will unload it. */
      ours: flag,
      /** Names of the modules loaded before. */
      before: list(text),
    }),
  },
  released: { tag: 67, body: record({ unload: oneOf(unloadResults), detail: text, after: list(text) }) },
  data: { tag: 68, body: record({ bytes: rest }) },
  /** digest: 32 bytes, or none. */
  end: { tag: 69, body: record({ size: u64, digest: rest }) },
  fileInfo: { tag: 70, body: record({ size: u64, mode: u32, uid: u32 }) },
  line: { tag: 71, body: record({ sequence: u64, microseconds: u64, level: u8, text }) },
  state: {
    tag: 72,
    body: record({
      build: text,
      /** 0: no daemon runs. */
      daemon: u32,
      guard: u32,
      /** Resident memory of daemon and guard, KiB. */
      memory: u32,
      milliseconds: u64,
      /** The daemon is outside the cgroup that init kills with adbd. */
      detached: flag,
      /** Modules the daemon loaded. */
      modules: list(text),
      leases: list(leaseInfo),
    }),
  },
  done: { tag: 73, body: nothing },
  error: {
    tag: 74,
    body: record({ code: oneOf(wireCodes), errno: u32, path: text, detail: text }),
  },
  /** id 0: something the user should know. */
  notice: { tag: 75, body: record({ text }) },
  moved: { tag: 76, body: nothing },
} as const;

export type MessageName = keyof typeof messages;
export type MessageBody<N extends MessageName> = Value<(typeof messages)[N]['body']>;

/** A message with its name and the id of the request it is, or answers. */
export type Message = {
  [N in MessageName]: { readonly name: N; readonly id: number; readonly body: MessageBody<N> };
}[MessageName];

/** What `messages` says about one name, with its type forgotten: for code that handles any. */
export function messageBody(name: MessageName): Field<unknown> {
  return messages[name].body as unknown as Field<unknown>;
}

const names = new Map<number, MessageName>();
for (const name in messages) names.set(messages[name as MessageName].tag, name as MessageName);

/** The name of a tag; undefined: there is none. */
export function findMessageName(tag: number): MessageName | undefined {
  return names.get(tag);
}
