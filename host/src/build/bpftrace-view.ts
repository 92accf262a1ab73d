import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { extrasPath, publishFolder } from '../cache/extras.js';
import type { Cache, Entry } from '../cache/format.js';
import type { Context } from '../core/context.js';
import type { BpfTarget } from './bpf-target.js';

const folder = 'bpftrace';

/**
 * A folder of links to an entry's headers in which include/linux/kconfig.h, that bpftrace includes first, is our own.
 * bpftrace parses headers with clang's target for the computer it runs on, which refuses the inline assembly of another
 * architecture (registers, constraints); it sets no -D of the architecture's Makefile; and where this computer has BTF of
 * its own it takes types from there. It compiles no function of the headers, so assembly is dropped. Returns the folder.
 * Errors: `disk-full`, `cache-unwritable`.
 */
export async function publishBpftraceView(
  cache: Cache,
  entry: Entry,
  target: BpfTarget,
  ctx: Context,
): Promise<string> {
  const links = linksTo(entry.headers, join(extrasPath(cache, entry), folder));
  return publishFolder(
    cache,
    entry,
    folder,
    async (path) => {
      await mkdir(join(path, 'include/linux'), { recursive: true });
      await links(path, '.', ['arch']);
      await links(path, 'include', await namesIn(join(entry.headers, 'include'), 'linux'));
      await links(path, 'include/linux', await namesIn(join(entry.headers, 'include/linux'), 'kconfig.h'));
      const own = relative(join(extrasPath(cache, entry), folder, 'include/linux'), join(entry.headers, kconfig));
      await symlink(own, join(path, 'include/linux', original));
      await writeFile(join(path, kconfig), formatKconfigHeader(target));
    },
    ctx,
  );
}

const kconfig = 'include/linux/kconfig.h';
const original = 'kheaders-kconfig.h';

async function namesIn(path: string, but: string): Promise<readonly string[]> {
  return (await readdir(path)).filter((name) => name !== but);
}

/** Makes links that are right once the folder is in its place: relative, so that a cache can be moved. */
function linksTo(headers: string, place: string) {
  return async (path: string, below: string, names: readonly string[]): Promise<void> => {
    const up = relative(join(place, below), join(headers, below));
    for (const name of names) await symlink(join(up, name), join(path, below, name));
  };
}

/**
 * `asm volatile(…)` becomes `asm ("")`, which every target takes; `asm(…)` alone, and so a register's name, nothing. The
 * three #undef are of what bpftrace defines where the computer has BTF of its own: it then leaves <linux/types.h> out, and
 * fills the holes with types of the wrong kernel.
 */
export function formatKconfigHeader(target: BpfTarget): string {
  const defines = target.defines.map((text) => {
    const [name, ...value] = text.split('=');
    return `#ifndef ${name}\n#define ${[name, ...value].join(' ')}\n#endif`;
  });
  const lines = [
    '/* Written by kheaders for bpftrace; the headers themselves are unchanged. */',
    '#ifndef KHEADERS_BPFTRACE_KCONFIG_H',
    '#define KHEADERS_BPFTRACE_KCONFIG_H',
    `#include "${original}"`,
    ...defines,
    '#undef _LINUX_TYPES_H',
    '#undef __CLANG_WORKAROUNDS_H',
    '#undef BPFTRACE_HAVE_BTF',
    '#define asm(...)',
    '#define __asm__(...)',
    '#define volatile(...) ("")',
    '#define __volatile__(...) ("")',
    '#define goto(...) ("")',
    '#define register',
    '#endif',
  ];
  return `${lines.join('\n')}\n`;
}
