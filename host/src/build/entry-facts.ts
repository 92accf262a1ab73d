import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Entry } from '../cache/format.js';
import { KhError, errnoOf } from '../core/error.js';
import { type KernelConfig, isBuiltIn, parseAutoconfHeader } from './kernel-config.js';
import { type KernelVersion, parseVersionHeader } from './kernel-version.js';

/** What a build has to know of the kernel, read from its own headers. */
export interface EntryFacts {
  readonly release: string;
  readonly version: KernelVersion;
  /** The folder below arch/, as the source tree names it: `x86`, `arm64`. */
  readonly srcArch: string;
  /** What make takes as ARCH: `x86_64`, `arm64`. */
  readonly makeArch: string;
  readonly config: KernelConfig;
}

/** Reads what the headers say of their kernel. Errors: `build-failed` where they do not say it. */
export async function readEntryFacts(entry: Entry): Promise<EntryFacts> {
  const config = parseAutoconfHeader(await readHeader(entry, ['include/generated/autoconf.h']));
  const versionHeaders = ['include/generated/uapi/linux/version.h', 'include/linux/version.h'];
  const version = parseVersionHeader(await readHeader(entry, versionHeaders));
  if (version === undefined) throw missing(entry, 'LINUX_VERSION_CODE');
  const srcArch = await findArchitecture(entry);
  return { release: entry.release, version, srcArch, makeArch: makeArchOf(srcArch, config), config };
}

async function readHeader(entry: Entry, names: readonly string[]): Promise<string> {
  for (const name of names) {
    try {
      return await readFile(join(entry.headers, name), 'utf8');
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  }
  throw missing(entry, names[0] ?? '');
}

/** An archive holds one architecture; where there are more (legacy ones), it is the one with generated headers. */
async function findArchitecture(entry: Entry): Promise<string> {
  const arch = join(entry.headers, 'arch');
  const found = (await readdir(arch, { withFileTypes: true }).catch(() => [])).filter((item) => item.isDirectory());
  for (const { name } of found) {
    const inside = await readdir(join(arch, name, 'include/generated')).catch(() => []);
    if (/^\w+$/.test(name) && (found.length === 1 || inside.length > 0)) return name;
  }
  throw missing(entry, 'arch/*/include/generated');
}

function makeArchOf(srcArch: string, config: KernelConfig): string {
  if (srcArch !== 'x86') return srcArch;
  return isBuiltIn(config, 'CONFIG_X86_64') ? 'x86_64' : 'i386';
}

function missing({ release, headers }: Entry, what: string): KhError {
  const message = 'The headers do not say for what they are';
  return new KhError('build-failed', message, { release, path: headers, reason: `${what} is not in the archive` });
}
