import { posix, win32 } from 'node:path';

/** All that decides where the cache is. */
export interface CacheLocation {
  /** The user's own choice (`--cache DIR`); taken as it is. */
  readonly option?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** As `process.platform` has it. */
  readonly platform: string;
  readonly homedir: string;
}

/**
 * The root of the cache: option, else $KHEADERS_CACHE, else $XDG_CACHE_HOME/kheaders, else the platform's place for
 * caches. An empty variable counts as unset, and so does a relative $XDG_CACHE_HOME (as its specification demands).
 */
export function resolveCacheRoot({ option, env, platform, homedir }: CacheLocation): string {
  const path = platform === 'win32' ? win32 : posix;
  const chosen = option || env['KHEADERS_CACHE'];
  if (chosen) return chosen;
  const xdg = env['XDG_CACHE_HOME'];
  if (xdg && path.isAbsolute(xdg)) return path.join(xdg, 'kheaders');
  if (platform === 'darwin') return path.join(homedir, 'Library', 'Caches', 'kheaders');
  if (platform !== 'win32') return path.join(homedir, '.cache', 'kheaders');
  return path.join(env['LOCALAPPDATA'] || path.join(homedir, 'AppData', 'Local'), 'kheaders', 'Cache');
}
