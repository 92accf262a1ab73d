import { readdir } from 'node:fs/promises';
import { arch } from 'node:process';
import { delimiter } from 'node:path';
import { runProgram } from '../core/child-process.js';
import type { Context } from '../core/context.js';
import { readEnvironment } from '../core/environment.js';
import type { Compiler } from './choose-toolchain.js';

/** Prefixes of cross compilers, by the kernel's name of the architecture, as distributions and Arm call them. */
const prefixes: Readonly<Record<string, readonly string[]>> = {
  arm64: ['aarch64-linux-gnu-', 'aarch64-none-linux-gnu-', 'aarch64-unknown-linux-gnu-', 'aarch64-linux-android-'],
  arm: ['arm-linux-gnueabihf-', 'arm-linux-gnueabi-', 'arm-none-linux-gnueabihf-', 'arm-linux-androideabi-'],
  x86: ['x86_64-linux-gnu-', 'x86_64-unknown-linux-gnu-'],
  riscv: ['riscv64-linux-gnu-', 'riscv64-unknown-linux-gnu-'],
};

/** The kernel's name of the architecture Node runs on. */
const own: Readonly<Record<string, string>> = { x64: 'x86', ia32: 'x86', arm64: 'arm64', arm: 'arm', riscv64: 'riscv' };

/**
 * The compilers in $PATH that make code for an architecture: gcc by the usual prefixes (and the one given), this
 * machine's own gcc where it fits, and every clang.
 */
export async function findCompilers(
  srcArch: string,
  cross: string | undefined,
  ctx: Context,
): Promise<readonly Compiler[]> {
  const names = await listPrograms();
  const wanted = new Set([...(cross === undefined ? [] : [cross]), ...(prefixes[srcArch] ?? [])]);
  if (own[arch] === srcArch) wanted.add('');
  const found: Compiler[] = [];
  for (const name of [...names].sort()) {
    const [, before = '', kind, suffix = ''] = /^(.*?)(gcc|clang)(-\d+)?$/.exec(name) ?? [];
    const isClang = kind === 'clang' && before === '';
    if (!isClang && !(kind === 'gcc' && wanted.has(before))) continue;
    const text = await readVersion(name, ctx);
    if (text === undefined) continue;
    const hasLld = isClang && names.has(`ld.lld${suffix}`);
    found.push({ family: isClang ? 'clang' : 'gcc', name, prefix: before, suffix, hasLld, ...text });
  }
  return found;
}

async function readVersion(name: string, ctx: Context): Promise<{ text: string; version: number } | undefined> {
  const { code, stdout } = await runProgram(name, ['--version'], ctx).catch(() => ({ code: -1, stdout: '' }));
  const text = stdout.split('\n')[0]?.trim() ?? '';
  const version = parseCompilerVersion(text);
  return code === 0 && version !== undefined ? { text, version } : undefined;
}

/** `gcc-12 (Debian 12.2.0-14) 12.2.0` and `Debian clang version 14.0.6` as CONFIG_GCC_VERSION writes them: 120200, 140006. */
export function parseCompilerVersion(text: string): number | undefined {
  const [, x, y, z = '0'] =
    /clang version (\d+)\.(\d+)(?:\.(\d+))?/.exec(text) ??
    /(?:^|\s)(\d+)\.(\d+)(?:\.(\d+))?(?:\s+\d{8}.*)?$/.exec(text) ??
    [];
  return x === undefined ? undefined : Number(x) * 10_000 + Number(y) * 100 + Number(z);
}

async function listPrograms(): Promise<ReadonlySet<string>> {
  const folders = (readEnvironment().env['PATH'] ?? '').split(delimiter).filter((folder) => folder.startsWith('/'));
  const lists = await Promise.all(folders.map((folder) => readdir(folder).catch(() => [])));
  return new Set(lists.flat());
}
