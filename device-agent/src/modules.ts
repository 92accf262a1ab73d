import * as native from 'native';
import * as os from 'os';
import { exists, readText } from './files.js';

/** Names of the modules that are loaded, in the kernel's order. */
export function listModules(): readonly string[] {
  const lines = (readText('/proc/modules') ?? '').split('\n');
  return lines.map((line) => line.split(' ')[0] ?? '').filter((name) => name !== '');
}

/** Built-in modules have a folder there too, but no state. */
export function isLoaded(module: string): boolean {
  return exists(`/sys/module/${module}/initstate`);
}

/** Hands an open module file to the kernel; 0 or -errno (EEXIST: it is loaded already). */
export function loadModule(fd: number, parameters: string): number {
  os.seek(fd, 0, 0);
  return native.loadModule(fd, parameters, 0);
}
