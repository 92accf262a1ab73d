import { hash } from 'node:crypto';
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Context, throwIfAborted } from '../core/context.js';
import { KhError } from '../core/error.js';
import { isKbuildFile } from './kbuild-file.js';
import { type KernelVersion, parseMakefileVersion } from './kernel-version.js';

/** A file of a Kbuild source. */
export interface KbuildFile {
  /** From the top of the kernel's tree. */
  readonly path: string;
  /** Where it is on this machine. */
  readonly file: string;
  readonly executable: boolean;
  readonly sha256: string;
}

/** Where the Makefiles and scripts of a kernel come from. */
export interface KbuildSource {
  /** `archive`: the headers archive itself; `debian`: packages with built host programs and without their sources. */
  readonly kind: 'archive' | 'tree' | 'tarball' | 'debian';
  /** As it was named or found. */
  readonly path: string;
  readonly version: KernelVersion;
  /** Sorted by path. */
  readonly files: readonly KbuildFile[];
  /** sha256 over names, modes and contents. */
  readonly digest: string;
}

/** Real trees have 250 such files of 20 KB. */
const limits = { files: 5000, bytes: 8 * 1024 * 1024, depth: 8 };

/**
 * Reads a folder as a source of Kbuild files: a kernel's source tree, a built one, or Debian's linux-headers-*-common,
 * whose scripts/ is a link to its linux-kbuild package. Links are followed: the folder is the user's own.
 * Errors: `kbuild-missing` where it is none.
 */
export async function readKbuildSource(root: string, srcArch: string, ctx: Context): Promise<KbuildSource> {
  const version = parseMakefileVersion(await readFile(join(root, 'Makefile'), 'utf8').catch(() => ''));
  if (version === undefined) throw missing(root, 'there is no kernel’s Makefile');
  const names: string[] = [];
  const tops = ['', 'scripts', `arch/${srcArch}`, ...(srcArch === 'x86' ? ['tools'] : [])];
  for (const top of tops) await listFiles(root, top, 0, names);
  const files: KbuildFile[] = [];
  for (const path of names.filter((name) => isKbuildFile(name, srcArch)).sort()) {
    throwIfAborted(ctx);
    const file = join(root, path);
    const { mode, size } = await stat(file);
    if (size > limits.bytes || files.length === limits.files) throw missing(root, `${path} is too large`);
    files.push({ path, file, executable: (mode & 0o111) !== 0, sha256: hash('sha256', await readFile(file)) });
  }
  assertComplete(root, srcArch, new Set(files.map(({ path }) => path)));
  const text = files.map(({ path, sha256, executable }) => `${executable ? 'x' : 'f'} ${sha256} ${path}\n`).join('');
  const kind = files.some(({ path }) => path === 'scripts/mod/modpost.c') ? 'tree' : 'debian';
  return { kind, path: root, version, files, digest: hash('sha256', text) };
}

async function listFiles(root: string, folder: string, depth: number, names: string[]): Promise<void> {
  const found = await readdir(join(root, folder), { withFileTypes: true }).catch(() => []);
  for (const item of found) {
    const path = folder === '' ? item.name : `${folder}/${item.name}`;
    const isFolder = item.isDirectory();
    const isFile = item.isFile() || (item.isSymbolicLink() && (await isPlainFile(join(root, path))));
    if (isFile) names.push(path);
    if (isFolder && folder !== '' && depth < limits.depth && names.length < 100_000 && item.name !== 'include-prefixes')
      await listFiles(root, path, depth + 1, names);
  }
}

async function isPlainFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

function assertComplete(root: string, srcArch: string, paths: ReadonlySet<string>): void {
  for (const path of ['scripts/Makefile.build', 'scripts/Makefile.modpost', `arch/${srcArch}/Makefile`]) {
    if (!paths.has(path)) throw missing(root, `${path} is not in it`);
  }
}

function missing(path: string, reason: string): KhError {
  return new KhError('kbuild-missing', 'This is no source of Kbuild files', { path, reason });
}
