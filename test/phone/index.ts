import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { exec } from './exec.js';
import { cacheDir } from './paths.js';
import { exists, publish } from './publish.js';
import type { Versions } from './digest.js';

const ONE_DAY_MS = 24 * 3600 * 1000;

/** The private apt state: package lists and the versions found in them. */
export function indexDir(): string {
  return join(cacheDir(), 'apt');
}

export async function ensureIndex(fill: (staging: string) => Promise<void>): Promise<void> {
  await publish(indexDir(), fill);
}

/** Debian's mirrors drop old versions, so lists older than a day are not used to download. */
export async function isIndexOld(): Promise<boolean> {
  const { mtimeMs } = await stat(join(indexDir(), 'versions'));
  return Date.now() - mtimeMs > ONE_DAY_MS;
}

export async function dropIndex(): Promise<void> {
  const old = `${indexDir()}.old-${process.pid}`;
  if (!(await exists(indexDir()))) return;
  await rename(indexDir(), old);
  await rm(old, { recursive: true, force: true });
}

function parsePairs(text: string): Map<string, string> {
  const pairs = text.split('\n').map((line) => line.split(' ', 2));
  return new Map(pairs.flatMap(([name, value]) => (name && value ? [[name, value] as const] : [])));
}

export async function readVersions(packages: readonly string[]): Promise<Versions> {
  await mkdir(cacheDir(), { recursive: true });
  const names = [...new Set([...packages, 'qemu-system-x86', 'qemu-system-arm'])];
  const [downloaded, installed] = await Promise.all([
    readFile(join(indexDir(), 'versions'), 'utf8'),
    exec('dpkg-query', ['-W', '-f', '${Package} ${Version}\n', ...names]),
  ]);
  return { downloaded: parsePairs(downloaded), installed: parsePairs(installed.stdout) };
}
