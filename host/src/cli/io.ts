import type { Event } from '../pulling.js';

/** What a command may do to the outside: print data, say something, report events; and how it is stopped. */
export interface Io {
  readonly signal: AbortSignal;
  readonly onEvent: (event: Event) => void;
  /** A line of data, to standard output. */
  readonly print: (line: string) => void;
  /** Text for a person, to standard error. */
  readonly note: (text: string) => void;
  /** Columns of the terminal standard output is, if it is one. */
  readonly width: number | undefined;
}
