import { readFileSync, readdirSync } from 'node:fs';
import { type PlainMessage, goldenMessages } from './agent-messages.js';

const folder = new URL('agent/', import.meta.url);

export interface Golden {
  readonly key: string;
  readonly plain: PlainMessage;
  /** What the golden file says: one frame, without the magic. */
  readonly frame: Uint8Array;
}

/** The keys that have a file. */
export function listGoldenFiles(): string[] {
  return readdirSync(folder).map((name) => name.replace(/\.bin$/, ''));
}

/** The golden messages with the bytes of their files. */
export function readGolden(): Golden[] {
  return Object.entries(goldenMessages).map(([key, plain]) => {
    return { key, plain, frame: new Uint8Array(readFileSync(new URL(`${key}.bin`, folder))) };
  });
}
