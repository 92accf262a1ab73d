import { KhError } from '../core/error.js';

/**
 * Quotes one word for a POSIX shell. Single quotes take everything but a single quote and NUL literally, which holds in
 * mksh, bash, dash and toybox sh alike. Errors: `device-failed` for a NUL, which no command line can carry.
 */
export function quote(word: string): string {
  if (word.includes('\0')) throw new KhError('device-failed', 'A shell word cannot contain NUL');
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
