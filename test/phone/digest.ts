import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { buildScripts } from './paths.js';
import type { Index, Step } from './steps.js';

/** Versions of what is downloaded, by index and name, and of what is installed, by name. */
export interface Versions {
  downloaded: ReadonlyMap<Index, ReadonlyMap<string, string>>;
  installed: ReadonlyMap<string, string>;
}

export function sha256(...parts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest('hex').slice(0, 20);
}

async function fileParts(path: string): Promise<(string | Buffer)[]> {
  const full = join(buildScripts, path);
  if (!(await stat(full)).isDirectory()) return [path, await readFile(full)];
  const names = (await readdir(full)).sort();
  return (await Promise.all(names.map((name) => fileParts(join(path, name))))).flat();
}

/** The key of each step: a hash over all that its result depends on. `steps` has inputs first. */
export async function stepKeys(steps: readonly Step[], versions: Versions): Promise<Map<Step, string>> {
  const keys = new Map<Step, string>();
  for (const step of steps) {
    const files = await Promise.all(['common.sh', `${step.script}.sh`, ...step.files].map(fileParts));
    const downloaded = versions.downloaded.get(step.index);
    const downloads = step.versions.map((name) => `${name}=${downloaded?.get(name) ?? ''}`);
    const packages = step.packages.map((name) => `${name}=${versions.installed.get(name) ?? ''}`);
    const inputs = step.inputs.map((input) => keys.get(input) ?? '');
    keys.set(step, sha256(step.id, ...files.flat(), ...downloads, ...packages, ...inputs));
  }
  return keys;
}
