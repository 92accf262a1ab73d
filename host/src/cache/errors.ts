import { errnoOf, KhError } from '../core/error.js';

const fullDisk = new Set(['ENOSPC', 'EDQUOT']);
const noAccess = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST']);

/**
 * What a failed file operation in the cache means to the user: `disk-full` or `cache-unwritable` with the path and
 * the errno name as the reason. Other errors, KhErrors among them, are returned as they are.
 */
export function asCacheError(error: unknown, path: string): unknown {
  const reason = errnoOf(error);
  if (error instanceof KhError || reason === undefined) return error;
  if (fullDisk.has(reason)) return new KhError('disk-full', 'No space is left on the disk', { path, reason }, error);
  if (noAccess.has(reason)) return new KhError('cache-unwritable', 'Cannot write there', { path, reason }, error);
  return error;
}

/** Runs a piece of work on files below `path`; its errors leave through asCacheError(). */
export async function inCache<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asCacheError(error, path);
  }
}

/** For something in the cache that is not what it must be. */
export function corrupt(message: string, path: string, reason: string, cause?: unknown): KhError {
  return new KhError('cache-corrupt', message, { path, reason }, cause);
}
