import { type MessageBody, archivePaths, moduleRoots } from '@kheaders/shared';
import * as os from 'os';
import { exists, isReadable } from './files.js';
import { isPlainPath } from './names.js';

/** Android's own trees are four deep below a root; a link that leads in circles must end somewhere. */
const depthLimit = 8;
const resultLimit = 64;
const directoryBits = 0o040000;
const typeMask = 0o170000;

/** Archives that are there, and every kheaders.ko below the folders that can have one. */
export function findSources(): MessageBody<'found'> {
  const modules: string[] = [];
  for (const root of moduleRoots) search(root, 0, modules);
  const describe = (path: string): { path: string; readable: boolean } => ({ path, readable: isReadable(path) });
  return {
    live: archivePaths.filter((path) => exists(path)).map(describe),
    modules: modules.slice(0, resultLimit).map(describe),
  };
}

function search(folder: string, depth: number, found: string[]): void {
  const [names, errno] = os.readdir(folder);
  if (errno !== 0 || depth > depthLimit) return;
  for (const name of names) {
    const path = `${folder}/${name}`;
    if (name.startsWith('kheaders.ko') && isPlainPath(path)) found.push(path);
    else if (!name.startsWith('.') && !name.includes('.ko') && isDirectory(path)) search(path, depth + 1, found);
  }
}

function isDirectory(path: string): boolean {
  return ((os.stat(path)[0]?.mode ?? 0) & typeMask) === directoryBits;
}
