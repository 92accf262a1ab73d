import * as os from 'os';
import { FileError, partOf, readLine, readText, replaceFile } from './files.js';
import { isModuleName, isPlainPath, isToken } from './names.js';

/**
 * Where the daemon writes down what it loaded. /dev is root's and gone with the boot. The next daemon reads it: it
 * unloads what one that was killed left behind.
 */
const statePath = '/dev/.kheaders-lease';
const firstLine = 'kheaders-lease 1';

/** What outlives a daemon. */
export interface LeaseState {
  /** Peers must know it: only root can read the file. */
  readonly token: string;
  /** Modules the daemon loaded, with their files. */
  readonly modules: readonly { readonly name: string; readonly path: string }[];
}

let bootId: string | undefined;

/** Of this boot, which no process outlives: read once. */
export function readBootId(): string {
  return (bootId ??= readLine('/proc/sys/kernel/random/boot_id'));
}

export function formatState(state: LeaseState): string {
  const modules = state.modules.map(({ name, path }) => `module=${name} ${path}`);
  return [firstLine, `boot=${readBootId()}`, `token=${state.token}`, ...modules, 'end', ''].join('\n');
}

/** The state in a text of this boot; undefined for any other text. */
export function parseState(text: string): LeaseState | undefined {
  const [first, boot, tokenLine = '', ...lines] = text.split('\n');
  const token = tokenLine.slice('token='.length);
  if (first !== firstLine || boot !== `boot=${readBootId()}` || !lines.includes('end')) return undefined;
  if (!tokenLine.startsWith('token=') || !isToken(token)) return undefined;
  return { token, modules: lines.flatMap((line) => parseModule(line)) };
}

function parseModule(line: string): LeaseState['modules'] {
  if (!line.startsWith('module=')) return [];
  const [name = '', path = ''] = line.slice('module='.length).split(' ');
  return isModuleName(name) && isPlainPath(path) ? [{ name, path }] : [];
}

export function readState(): LeaseState | undefined {
  const text = readText(statePath);
  return text === undefined ? undefined : parseState(text);
}

/** False where the file cannot be written: then only the guard stands behind the daemon. */
export function writeState(state: LeaseState): boolean {
  try {
    replaceFile(statePath, formatState(state));
    return true;
  } catch (error) {
    if (error instanceof FileError) return false;
    throw error;
  }
}

/** Also what a daemon has left that was killed while it wrote. */
export function removeState(): void {
  os.remove(partOf(statePath));
  os.remove(statePath);
}
