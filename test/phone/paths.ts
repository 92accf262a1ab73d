import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Nothing that is built or running lies inside the tree. */
export function cacheDir(): string {
  const own = process.env['KHEADERS_PHONE_CACHE'];
  if (own) return resolve(own);
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'kheaders-phone');
}

/** Where the phones of `scripts/phone up` are recorded. */
export function runDir(): string {
  const own = process.env['KHEADERS_PHONE_RUN'];
  return own ? resolve(own) : join(cacheDir(), 'run');
}

export const buildScripts = fileURLToPath(new URL('build', import.meta.url));
