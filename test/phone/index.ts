import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { exec } from './exec.js';
import { cacheDir } from './paths.js';
import { exists, publish } from './publish.js';
import type { Versions } from './digest.js';
import type { Index } from './steps.js';

const ONE_DAY_MS = 24 * 3600 * 1000;

/** A private apt state: package lists and the versions found in them. */
export function indexDir(index: Index): string {
  return join(cacheDir(), index);
}

export async function ensureIndex(index: Index, fill: (staging: string) => Promise<void>): Promise<void> {
  await publish(indexDir(index), fill);
}

/** Debian's mirrors drop old versions, so lists older than a day are not used to download. */
export async function isIndexOld(index: Index): Promise<boolean> {
  const { mtimeMs } = await stat(join(indexDir(index), 'versions'));
  return Date.now() - mtimeMs > ONE_DAY_MS;
}

export async function dropIndex(index: Index): Promise<void> {
  const dir = indexDir(index);
  const old = `${dir}.old-${process.pid}`;
  if (!(await exists(dir))) return;
  await rename(dir, old);
  await rm(old, { recursive: true, force: true });
}

function parsePairs(text: string): Map<string, string> {
  const pairs = text.split('\n').map((line) => line.split(' ', 2));
  return new Map(pairs.flatMap(([name, value]) => (name && value ? [[name, value] as const] : [])));
}

async function readDownloaded(index: Index): Promise<[Index, Map<string, string>]> {
  return [index, parsePairs(await readFile(join(indexDir(index), 'versions'), 'utf8'))];
}

export async function readVersions(indexes: readonly Index[], packages: readonly string[]): Promise<Versions> {
  await mkdir(cacheDir(), { recursive: true });
  const names = [...new Set([...packages, 'qemu-system-x86', 'qemu-system-arm'])];
  const [downloaded, installed] = await Promise.all([
    Promise.all(indexes.map(readDownloaded)),
    exec('dpkg-query', ['-W', '-f', '${Package} ${Version}\n', ...names]),
  ]);
  return { downloaded: new Map(downloaded), installed: parsePairs(installed.stdout) };
}
