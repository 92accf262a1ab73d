import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runGuide } from '../../support/guide.js';
import { bin, cleanEnv } from './cli.js';
import type { Bench } from './phone-test.js';

export interface GuideOptions {
  /** Folders of programs the guide takes for granted, before the machine's own. */
  readonly path?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs a guide of docs/ as written against the bench's phone, in an empty folder, with the built `kheaders` in PATH; returns
 * what it printed. See runGuide() for what makes it fail.
 */
export async function followGuide(
  bench: Bench,
  name: string,
  { path = [], env = {} }: GuideOptions = {},
): Promise<string> {
  const [folder, programs] = [join(bench.folder, 'guide'), join(bench.folder, 'bin')];
  await mkdir(folder);
  await mkdir(programs);
  const kheaders = join(programs, 'kheaders');
  await writeFile(kheaders, `#!/bin/sh\nexec '${process.execPath}' '${bin}' "$@"\n`);
  await chmod(kheaders, 0o755);
  const file = fileURLToPath(new URL(`../../../docs/${name}`, import.meta.url));
  const search = [programs, ...path, process.env['PATH'] ?? ''].join(':');
  return runGuide(file, { folder, env: { ...cleanEnv({ ...bench.env, ...env }), PATH: search } });
}
