import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { extrasPath, publishFolder } from '../cache/extras.js';
import type { Cache, Entry } from '../cache/format.js';
import type { Context } from '../core/context.js';
import { KhError } from '../core/error.js';
import { tool } from '../core/tool.js';
import { formatSymvers } from '../image/symvers.js';
import { assembleKdir } from './assemble-kdir.js';
import { type ToolchainOptions, chooseToolchain } from './choose-toolchain.js';
import { collectConfig } from './collect-config.js';
import { type SymbolOptions, collectSymbols } from './collect-symbols.js';
import { readEntryFacts } from './entry-facts.js';
import { findCompilers } from './find-compilers.js';
import { type KbuildOptions, findKbuild } from './find-kbuild.js';
import type { KdirInputs } from './kdir-inputs.js';
import { isBuiltIn } from './kernel-config.js';
import { type MergedSymbols, mergeSymbols } from './merge-symbols.js';

export interface KdirOptions extends KbuildOptions, SymbolOptions, ToolchainOptions {}

/** A build tree. */
export interface Kdir {
  /** What `make -C` takes. */
  readonly path: string;
  /** What it was made from. */
  readonly inputs: KdirInputs;
  /** `kdir.json`; docs/CACHE-FORMAT.md describes it. */
  readonly record: object;
}

/**
 * The build tree of an entry: made once from its headers, Kbuild files, configuration, symbols and a compiler, kept
 * beside the entry, and found again as long as none of these changes.
 * Errors: `kbuild-missing`, `kbuild-mismatch`, `build-failed`, `tool-missing`, `usage`, `cache-corrupt`, `disk-full`,
 * `cache-unwritable`, `cancelled`.
 */
export async function makeKdir(cache: Cache, entry: Entry, options: KdirOptions, ctx: Context): Promise<Kdir> {
  assertPlace(cache);
  const inputs = await collectInputs(cache, entry, options, ctx);
  const name = `kdir-${hashInputs(inputs)}`;
  const final = join(extrasPath(cache, entry), name);
  const path = await publishFolder(cache, entry, name, (target) => assembleKdir(target, final, inputs, ctx), ctx);
  const record = JSON.parse(await readFile(join(path, 'kdir.json'), 'utf8')) as object;
  return { path, inputs, record };
}

/** The kernel's Makefile: "source directory cannot contain spaces or colons". */
function assertPlace({ path }: Cache): void {
  if (!/[\s:]/.test(path)) return;
  const reason = 'make cannot work in a folder with a blank or a colon in its name: choose another one with --cache';
  throw new KhError('build-failed', 'The cache is in a place where nothing can be built', { path, reason });
}

async function collectInputs(cache: Cache, entry: Entry, options: KdirOptions, ctx: Context): Promise<KdirInputs> {
  const facts = await readEntryFacts(entry);
  const toolchain = chooseToolchain(facts.config, await findCompilers(facts.srcArch, options.cross, ctx), options);
  const source = await findKbuild(cache, entry, facts, options, ctx);
  const autoConf = await collectConfig(cache, entry, facts);
  const symbols = mergeSymbols(await collectSymbols(cache, entry, options, ctx));
  const symvers = chooseSymvers(symbols, isBuiltIn(facts.config, 'CONFIG_MODVERSIONS'));
  return { entry, facts, source, autoConf, symbols, symvers, toolchain };
}

/**
 * The lines of Module.symvers, or undefined for no such file. modpost takes what is written there for the truth, a CRC of
 * 0 too; without the file it warns of every import, and names it.
 */
function chooseSymvers({ lines, withoutCrc }: MergedSymbols, modversions: boolean): MergedSymbols['lines'] | undefined {
  if (modversions) return lines.length > 0 ? lines : undefined;
  const all = [...lines, ...withoutCrc.map((name) => ({ symbol: { name }, exporter: 'vmlinux' }))];
  return all.length > 0 ? all : undefined;
}

function hashInputs({ source, autoConf, symvers, toolchain, facts }: KdirInputs): string {
  const { compiler, crossCompile, llvm, cc } = toolchain;
  const parts = [
    [tool.version, facts.makeArch, source.kind, source.path, source.digest],
    [autoConf.source, autoConf.text],
    symvers === undefined ? null : formatSymvers(symvers),
    [compiler.name, compiler.text, crossCompile, llvm, cc],
  ];
  return hash('sha256', JSON.stringify(parts)).slice(0, 16);
}
