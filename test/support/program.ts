import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Node's arguments for a source, NAME.program.ts, that a test runs in a process of its own: as scripts/run-tests.mjs
 * made it, else by way of tsx.
 */
export function programArguments(source: URL): readonly string[] {
  const path = fileURLToPath(source);
  const programs = process.env['KHEADERS_TEST_PROGRAMS'];
  if (programs === undefined) return ['--import', 'tsx', path];
  return [join(programs, relative(root, path)).replace(/\.ts$/, '.mjs')];
}
