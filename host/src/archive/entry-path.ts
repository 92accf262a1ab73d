import type { Limits } from './limits.js';

/** Control, format (bidi overrides among them) and surrogate characters, line and paragraph separators. */
const forbidden = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/** What Windows forbids in a name, or reads as something else: a drive, a stream, a separator; it drops a last dot. */
const forbiddenOnWindows = /[\\:*?"<>|]|[. ]$/;

/** What headers are called: names of letters, digits and `_+,.-`, none with a dot in front. */
const ordinary = /^(?:\w[\w+,.-]*\/)*\w[\w+,.-]*$/;

/** A path that may be used below the root, or the reason why not. */
export type PathVerdict = { readonly path: string } | { readonly reason: string };

/**
 * Judges and normalises a member's path: `./` in front and slashes at the end of a directory go. The root itself
 * becomes the empty path.
 */
export function parseEntryPath(raw: string, directory: boolean, windows: boolean, limits: Limits): PathVerdict {
  // The rules below have nothing against such a path; one look instead of ten, for each of thousands of files.
  if (!windows && raw.length <= Math.min(limits.pathBytes, limits.componentBytes)) {
    const path = raw.slice(raw.startsWith('./') ? 2 : 0, directory && raw.endsWith('/') ? -1 : undefined);
    if (ordinary.test(path)) return { path };
  }
  return judgeNames(raw, directory, windows, limits);
}

function judgeNames(raw: string, directory: boolean, windows: boolean, limits: Limits): PathVerdict {
  if (raw === '') return { reason: 'empty-path' };
  if (forbidden.test(raw)) return { reason: 'control-character' };
  if (raw.startsWith('/')) return { reason: 'absolute-path' };
  const bare = directory ? raw.replace(/\/+$/, '') : raw;
  const path = bare === '.' ? '' : bare.replace(/^(\.\/+)+/, '');
  if (path === '') return directory ? { path } : { reason: 'empty-path' };
  if (Buffer.byteLength(path) > limits.pathBytes) return { reason: 'path-length' };
  for (const component of path.split('/')) {
    const reason = componentReason(component, windows, limits);
    if (reason !== undefined) return { reason };
  }
  return { path };
}

function componentReason(component: string, windows: boolean, limits: Limits): string | undefined {
  if (component === '..') return 'parent-path';
  if (component === '' || component === '.') return 'empty-component';
  if (Buffer.byteLength(component) > limits.componentBytes) return 'path-length';
  return windows && forbiddenOnWindows.test(component) ? 'windows-name' : undefined;
}

/**
 * Two names of one fold may be one file where case does not count: macOS also ignores how accents are composed. It
 * may call two names equal that some file system keeps apart; never the other way round.
 */
export function foldPath(path: string): string {
  return path.normalize('NFKD').toUpperCase().toLowerCase();
}
