import type { MessageBody } from '@kheaders/shared';
import { KhError } from '../core/error.js';
import { makeRefusal } from './refusal.js';

/** The helper answered a request with an error. */
export class AgentRefusal extends Error {
  readonly body: MessageBody<'error'>;

  constructor(body: MessageBody<'error'>) {
    super(describe(body));
    this.body = body;
  }
}

/**
 * What is wrong with the helper. `start`: it ended before its first word, or somebody else did the talking. `mute`: it
 * said nothing in its time. `silent`: it stopped answering. `ended`: it ended in the middle. `missing`: it could not be
 * put on the phone.
 */
export type AgentTrouble = 'start' | 'mute' | 'silent' | 'version' | 'framing' | 'ended' | 'missing' | 'refused';

/** The helper cannot be used: not an answer of the phone, which would be the same without it. */
export class AgentFailure extends Error {
  readonly trouble: AgentTrouble;

  constructor(trouble: AgentTrouble, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.trouble = trouble;
  }
}

/** What was asked for when the helper refused. */
export type RefusedStep = 'load' | 'read';

/**
 * The one place that says what a refusal of the helper means: an error like those of the shell's script where the phone
 * refused, an AgentFailure where the helper did.
 */
export function asAgentError(refusal: AgentRefusal, step: RefusedStep, serial: string): KhError | AgentFailure {
  const { code, errno, detail } = refusal.body;
  const reason = errno === 0 ? undefined : nameErrno(errno);
  const output = describe(refusal.body);
  switch (code) {
    case 'not-root':
      return makeRefusal('root', { serial, output: detail });
    case 'vermagic':
      return makeRefusal('vermagic', { serial, output: detail });
    case 'load':
    case 'no-archive':
      return makeRefusal('load', { serial, reason, output });
    case 'io':
      return makeRefusal(step, { serial, reason, output });
    default:
      return new AgentFailure('refused', `it answered ${output}`, refusal);
  }
}

/** `CODE: ERRNO PATH DETAIL`, as far as they are known. */
function describe({ code, errno, path, detail }: MessageBody<'error'>): string {
  const parts = [errno === 0 ? '' : nameErrno(errno), path, detail].filter((part) => part !== '');
  return `${code}${parts.length === 0 ? '' : `: ${parts.join(' ')}`}`.slice(0, 1000);
}

/** Linux's numbers are the same on all machines we ship for (include/uapi/asm-generic/errno.h); this host may be no Linux. */
const errnoNames: Readonly<Record<number, string>> = {
  1: 'EPERM',
  2: 'ENOENT',
  4: 'EINTR',
  5: 'EIO',
  6: 'ENXIO',
  8: 'ENOEXEC',
  11: 'EAGAIN',
  12: 'ENOMEM',
  13: 'EACCES',
  14: 'EFAULT',
  16: 'EBUSY',
  17: 'EEXIST',
  19: 'ENODEV',
  20: 'ENOTDIR',
  21: 'EISDIR',
  22: 'EINVAL',
  23: 'ENFILE',
  24: 'EMFILE',
  26: 'ETXTBSY',
  27: 'EFBIG',
  28: 'ENOSPC',
  30: 'EROFS',
  36: 'ENAMETOOLONG',
  38: 'ENOSYS',
  40: 'ELOOP',
  74: 'EBADMSG',
  75: 'EOVERFLOW',
  95: 'EOPNOTSUPP',
  110: 'ETIMEDOUT',
  126: 'ENOKEY',
  127: 'EKEYEXPIRED',
  128: 'EKEYREVOKED',
  129: 'EKEYREJECTED',
};

export function nameErrno(errno: number): string {
  return errnoNames[errno] ?? `errno ${errno}`;
}

/** What a command about the helper itself ends in: there is no shell to fall back to. */
export function asCommandError(error: unknown, serial: string): unknown {
  const known = error instanceof AgentRefusal ? asAgentError(error, 'load', serial) : error;
  if (!(known instanceof AgentFailure)) return known;
  const details = { serial, reason: known.trouble, output: known.message };
  return new KhError('agent-refused', 'The helper on the phone cannot be used', details, known);
}
