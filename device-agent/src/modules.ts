import * as native from 'native';
import * as os from 'os';
import { exists, openFile, readText } from './files.js';

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

const mark = 'vermagic=';
/** .modinfo stands near the end of kheaders.ko, behind the archive. */
const tailSize = 256 * 1024;
const windowSize = 1024 * 1024;
/** Longer than any vermagic, so that one that spans two windows is whole in the second. */
const overlap = 512;

/** The vermagic of a module file; empty where it has none that can be read, e.g. because it is compressed. */
export function readVermagic(path: string): string {
  const fd = openFile(path);
  try {
    const size = native.fileSize(fd);
    const tail = searchFrom(fd, Math.max(0, size - tailSize), size);
    return tail === '' && size > tailSize ? searchFrom(fd, 0, size) : tail;
  } finally {
    os.close(fd);
  }
}

function searchFrom(fd: number, start: number, end: number): string {
  const window = new ArrayBuffer(Math.min(windowSize, end - start));
  for (let at = start; at < end; at += windowSize - overlap) {
    os.seek(fd, at, 0);
    const count = native.readFull(fd, window, 0, window.byteLength);
    if (count <= 0) return '';
    const found = native.indexOf(window, 0, count, mark);
    if (found >= 0) return textAt(new Uint8Array(window, 0, count), found + mark.length);
  }
  return '';
}

function textAt(bytes: Uint8Array, start: number): string {
  const end = bytes.indexOf(0, start);
  return String.fromCharCode(...bytes.subarray(start, end < 0 ? bytes.length : Math.min(end, start + overlap)));
}
