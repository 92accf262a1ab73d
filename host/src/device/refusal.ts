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

/** Maps what the phone refused to the project's codes: `module-refused`, `read-refused` or `not-root`. */
export function asRefusal(refusal: TransferRefusal, serial: string): KhError {
  const { kind, detail } = refusal;
  if (kind === 'root') return new KhError('not-root', 'The command does not run as root', { serial, tried: [detail] });
  if (kind === 'vermagic') {
    const details = { serial, reason: 'vermagic', output: detail };
    return new KhError('module-refused', 'No kheaders.ko on the phone was built for its kernel', details);
  }
  const reason = findErrno(detail) ?? 'unknown';
  if (kind === 'load') {
    return new KhError('module-refused', 'The phone refused to load the kheaders module', {
      serial,
      reason,
      output: detail,
    });
  }
  return new KhError('read-refused', 'The phone refused to read the archive', { serial, reason, output: detail });
}
