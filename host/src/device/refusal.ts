import { KhError } from '../core/error.js';
import { type TransferRefusal } from './transfer-header.js';

/**
 * strerror() texts of musl, bionic and glibc for what a module load can end in. Toybox prints nothing else, so this
 * table is the one place in the project where a text is read for its meaning.
 */
const errnoTexts: readonly (readonly [string, string])[] = [
  ['Operation not permitted', 'EPERM'],
  ['Permission denied', 'EACCES'],
  ['Exec format error', 'ENOEXEC'],
  ['Key was rejected by service', 'EKEYREJECTED'],
  ['Required key not available', 'ENOKEY'],
  ['File exists', 'EEXIST'],
  ['No such file or directory', 'ENOENT'],
  ['Unknown symbol', 'ENOENT'],
  ['Invalid argument', 'EINVAL'],
  ['Invalid module format', 'ENOEXEC'],
  ['Cannot allocate memory', 'ENOMEM'],
  ['Out of memory', 'ENOMEM'],
  ['Function not implemented', 'ENOSYS'],
  ['Bad message', 'EBADMSG'],
  ['No such device', 'ENODEV'],
];

/** The errno name in a tool's message, or undefined. */
export function findErrno(text: string): string | undefined {
  return errnoTexts.find(([message]) => text.includes(message))?.[1];
}

/** What the phone can refuse, whoever asked it: the shell's script or the helper. */
export type RefusalKind = 'root' | 'vermagic' | 'load' | 'read';

export interface RefusalFacts {
  readonly serial: string;
  /** The errno's name, where there is one. */
  readonly reason?: string | undefined;
  /** The phone's own words. */
  readonly output: string;
}

/** The error for a refusal: `module-refused`, `read-refused` or `not-root`. */
export function makeRefusal(kind: RefusalKind, { serial, reason = 'unknown', output }: RefusalFacts): KhError {
  switch (kind) {
    case 'root':
      return new KhError('not-root', 'The command does not run as root', { serial, tried: [output] });
    case 'vermagic': {
      const details = { serial, reason: 'vermagic', output };
      return new KhError('module-refused', 'No kheaders.ko on the phone was built for its kernel', details);
    }
    case 'load': {
      const details = { serial, reason, output };
      return new KhError('module-refused', 'The phone refused to load the kheaders module', details);
    }
    case 'read':
      return new KhError('read-refused', 'The phone refused to read the archive', { serial, reason, output });
  }
}

const kinds: readonly RefusalKind[] = ['root', 'vermagic', 'load'];

/** Maps what the transfer script says to an error. */
export function asRefusal({ kind, detail }: TransferRefusal, serial: string): KhError {
  const known = kinds.find((name) => name === kind) ?? 'read';
  return makeRefusal(known, { serial, reason: findErrno(detail), output: detail });
}
