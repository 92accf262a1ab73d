import { noteMark } from './transfer-script.js';

/** What became of the phone after the payload, from the notes on stderr. */
export interface TransferReport {
  /**
   * `none`: nothing was loaded by us. `gone`: somebody else unloaded our module. `kept`: somebody else uses it, and the
   * helper on the phone unloads it after him.
   */
  readonly unload: 'none' | 'ok' | 'gone' | 'kept' | 'failed';
  /** What rmmod said, where it failed. */
  readonly detail: string;
  /** dd's exit code where it was not 0. */
  readonly readError?: number;
  /** The module list afterwards; empty where it was not asked for. */
  readonly after: readonly string[];
  /** Lines of stderr that were not ours. */
  readonly output: string;
}

export function parseTransferNotes(stderr: string): TransferReport {
  const lines = stderr.split('\n');
  const notes = new Map<string, string>();
  for (const line of lines) {
    if (!line.startsWith(noteMark)) continue;
    const note = line.slice(noteMark.length).trimEnd();
    const at = note.indexOf('=');
    notes.set(note.slice(0, Math.max(at, 0)), note.slice(at + 1));
  }
  const unload = notes.get('unload');
  const readError = notes.get('read');
  return {
    unload: unload === 'ok' || unload === 'gone' || unload === 'failed' ? unload : 'none',
    detail: notes.get('detail') ?? '',
    ...(readError === undefined ? {} : { readError: Number(readError) }),
    after: (notes.get('after') ?? '').split(' ').filter((name) => name !== ''),
    output: lines.filter((line) => line !== '' && !line.startsWith(noteMark)).join('\n'),
  };
}
