import type { ErrorCode } from '@kheaders/shared';

/** What is known about a failure beside its code. Every field is optional; the code says which ones to expect. */
export interface ErrorDetails {
  /** The device's serial as adb prints it. */
  readonly serial?: string;
  /** A file or folder on the host. */
  readonly path?: string;
  /** A file on the phone. */
  readonly devicePath?: string;
  /** The kernel release it was about. */
  readonly release?: string;
  /** The entry of an archive. */
  readonly entry?: string;
  /** A short machine-readable reason, e.g. an errno name. */
  readonly reason?: string;
  /** What a foreign program or the phone said, unchanged; untrusted text. */
  readonly output?: string;
  /** Things that were tried, in order. */
  readonly tried?: readonly string[];
  /** Candidates to choose from (serials, releases, …). */
  readonly choices?: readonly string[];
  readonly expected?: string;
  readonly actual?: string;
  /** Milliseconds, for time-outs. */
  readonly milliseconds?: number;
  /** What the kernel's configuration says, e.g. `# CONFIG_IKHEADERS is not set`. */
  readonly configLine?: string;
}

/**
 * The one error class of kheaders. `code` is from a closed list and is what callers branch on; `message` is a short
 * English statement without advice; `details` are facts; `cause` is the error underneath. The CLI alone turns a code
 * into a sentence with advice and an exit code.
 */
export class KhError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'KhError';
    this.code = code;
    this.details = details;
  }
}

/** True for a KhError, and with a code given only for one of that code. */
export function isKhError(error: unknown, code?: ErrorCode): error is KhError {
  return error instanceof KhError && (code === undefined || error.code === code);
}

/** The same failure with facts its thrower could not know (serial, path); other errors are returned as they are. */
export function withDetails(error: unknown, details: ErrorDetails): unknown {
  if (!(error instanceof KhError)) return error;
  return new KhError(error.code, error.message, { ...details, ...error.details }, error.cause);
}

/** The `code` of a Node system error (`ENOSPC`), or undefined. */
export function errnoOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
