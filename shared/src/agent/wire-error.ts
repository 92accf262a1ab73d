/**
 * Every way the agent can refuse, and every way a peer can break the protocol. The list is closed; its order is the wire
 * format: append only, with a new protocol version.
 */
export const wireCodes = [
  /** The bytes are no frame: bad length, unknown tag, junk. The link is closed. */
  'bad-frame',
  /** The frame's payload is not what its tag says. The link is closed. */
  'bad-message',
  /** The other end speaks another version, or is another build. The link is closed. */
  'bad-version',
  /** A request that makes no sense now: hello twice, the archive without a lease. */
  'bad-order',
  /** The token or the uid of a peer of the lease daemon is wrong. */
  'bad-peer',
  /** This needs root, and the agent is not. */
  'not-root',
  /** A file operation failed: see errno and path. */
  'io',
  /** None of the module files is for the running kernel; detail lists what they are for. */
  'vermagic',
  /** The kernel refused the module: see errno. */
  'load',
  /** The module is loaded, but no archive appeared. */
  'no-archive',
  /** The lease daemon cannot be reached or started. */
  'daemon',
  /** The request was cancelled, or its link is closing. */
  'cancelled',
  /** The agent failed in a way it has no word for; detail has the exception. */
  'internal',
] as const;

export type WireCode = (typeof wireCodes)[number];

/** A breach of the protocol found by this end while reading. */
export class WireError extends Error {
  readonly code: WireCode;

  constructor(code: WireCode, message: string) {
    super(message);
    this.name = 'WireError';
    this.code = code;
  }
}
