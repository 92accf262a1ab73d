import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/**
 * Fills a folder beside its final place and renames it: what exists is complete. Of two that make the same thing at
 * once the second one throws its own away.
 */
export async function publish(path: string, fill: (staging: string) => Promise<void>): Promise<string> {
  if (await exists(path)) return path;
  await mkdir(dirname(path), { recursive: true });
  const staging = await mkdtemp(`${path}.new-`);
  try {
    await fill(staging);
    await rename(staging, path).catch((error: unknown) => {
      if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return path;
}
