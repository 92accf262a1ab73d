import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runProgram } from '../core/child-process.js';
import type { Context } from '../core/context.js';
import { KhError, isKhError } from '../core/error.js';
import type { Toolchain } from './choose-toolchain.js';
import type { EntryFacts } from './entry-facts.js';
import { runStep } from './invocation.js';
import type { KbuildSource } from './kbuild-source.js';
import { isBuiltIn } from './kernel-config.js';
import { callCompiler, listKernelFlags } from './target-flags.js';

/** What building the programs takes. */
export interface ToolsJob {
  /** The tree: the Kbuild files are in it, and include/ leads to the headers. The programs are put where make looks. */
  readonly kdir: string;
  readonly headers: string;
  readonly facts: EntryFacts;
  readonly source: KbuildSource;
  readonly toolchain: Toolchain;
}

/** How a program came into the tree. */
export interface BuiltTool {
  /** From the top of the tree. */
  readonly path: string;
  /** `built` from its source, `given` ready to run, or undefined: it is not there. */
  readonly how: 'built' | 'given' | undefined;
}

/** The tools of a module build: fixdep and modpost always, objtool where the configuration needs it, genksyms if there. */
export async function makeHostTools(job: ToolsJob, ctx: Context): Promise<readonly BuiltTool[]> {
  ctx.report({ kind: 'step', step: 'tools' });
  const hostCc = await findHostCompiler(ctx);
  const tools = [await makeFixdep(job, hostCc, ctx), await makeModpost(job, hostCc, ctx)];
  if (needsObjtool(job.facts)) tools.push(await makeObjtool(job, hostCc, ctx));
  const genksyms = 'scripts/genksyms/genksyms';
  if (isBuiltIn(job.facts.config, 'CONFIG_MODVERSIONS')) {
    tools.push({ path: genksyms, how: has(job, genksyms) ? 'given' : undefined });
  }
  return tools;
}

/** CONFIG_OBJTOOL since Linux 5.19 (03f16cd020eb), CONFIG_STACK_VALIDATION before. */
export function needsObjtool({ config }: EntryFacts): boolean {
  return isBuiltIn(config, 'CONFIG_OBJTOOL') || isBuiltIn(config, 'CONFIG_STACK_VALIDATION');
}

async function makeFixdep(job: ToolsJob, hostCc: string, ctx: Context): Promise<BuiltTool> {
  const path = 'scripts/basic/fixdep';
  if (!has(job, `${path}.c`)) return takeGiven(job, path, ctx);
  await compileHost(job, hostCc, path, [`${path}.c`], ctx);
  return { path, how: 'built' };
}

async function makeModpost(job: ToolsJob, hostCc: string, ctx: Context): Promise<BuiltTool> {
  const path = 'scripts/mod/modpost';
  if (!has(job, `${path}.c`)) return takeGiven(job, path, ctx);
  await writeElfConfig(job, hostCc, ctx);
  await writeOffsets(job, ctx);
  const others = ['mk_elfconfig', 'empty', 'devicetable-offsets'].map((name) => `scripts/mod/${name}.c`);
  const sources = job.source.files
    .map((file) => file.path)
    .filter((file) => /^scripts\/mod\/[^/]+\.c$/.test(file) && !others.includes(file));
  await compileHost(job, hostCc, path, sources, ctx);
  return { path, how: 'built' };
}

/** elfconfig.h says what kind of ELF the kernel is, by looking at an object of its compiler (scripts/mod/Makefile). */
async function writeElfConfig(job: ToolsJob, hostCc: string, ctx: Context): Promise<void> {
  if (!has(job, 'scripts/mod/mk_elfconfig.c')) return;
  const folder = join(job.kdir, 'scripts/mod');
  const [cc, ...flags] = callCompiler(job.toolchain, job.facts);
  const run = (file: string, args: string[]) => runStep('elfconfig.h', { file, args, cwd: folder, env: {} }, ctx);
  await run(cc, [...flags, '-c', '-o', 'empty.o', 'empty.c']);
  await compileHost(job, hostCc, 'scripts/mod/mk_elfconfig', ['scripts/mod/mk_elfconfig.c'], ctx);
  // mk_elfconfig reads its standard input.
  const text = await run('sh', ['-c', './mk_elfconfig < empty.o']);
  await writeFile(join(folder, 'elfconfig.h'), text);
}

/** devicetable-offsets.h: offsets inside the kernel's tables of devices, as its own compiler lays them out. */
async function writeOffsets(job: ToolsJob, ctx: Context): Promise<void> {
  const name = 'scripts/mod/devicetable-offsets';
  if (!has(job, `${name}.c`)) return;
  const [cc, ...flags] = callCompiler(job.toolchain, job.facts);
  // Every source of the kernel gets it (c_flags of scripts/Makefile.lib), since 4.15.
  const types = join(job.headers, 'include/linux/compiler_types.h');
  const forced = existsSync(types) ? ['-include', types] : [];
  const args = [
    ...flags,
    ...listKernelFlags(job.headers, job.facts),
    ...forced,
    '-std=gnu11',
    '-fshort-wchar',
    '-w',
    '-O2',
    '-S',
  ];
  const assembly = await runStep(
    'devicetable-offsets.h',
    { file: cc, args: [...args, '-o', '-', `${name}.c`], cwd: job.kdir, env: {} },
    ctx,
  );
  await writeFile(join(job.kdir, `${name}.h`), formatOffsets(assembly));
}

/** What sed-offsets of scripts/Makefile.lib makes of lines such as `.ascii "->OFF_usb_device_id_bDeviceClass $16 …"`. */
export function formatOffsets(assembly: string): string {
  const found = [...assembly.matchAll(/^\s*\.ascii\s*"->(\w+) [$#]*(-?\d+) /gm)];
  const lines = found.map(([, name = '', value = '']) => `#define ${name} ${value}\n`);
  return `#ifndef __DEVICETABLE_OFFSETS_H__\n#define __DEVICETABLE_OFFSETS_H__\n${lines.join('')}#endif\n`;
}

/** objtool, from tools/objtool by its own Makefile, in a copy that is thrown away. It needs libelf. */
async function makeObjtool(job: ToolsJob, hostCc: string, ctx: Context): Promise<BuiltTool> {
  const path = 'tools/objtool/objtool';
  if (!has(job, 'tools/objtool/Makefile')) return takeGiven(job, path, ctx);
  const work = join(job.kdir, '.objtool');
  for (const { path: name, file } of job.source.files) {
    if (!name.startsWith('tools/')) continue;
    await mkdir(dirname(join(work, name)), { recursive: true });
    await cp(file, join(work, name), { dereference: true });
  }
  // What a caller's make says must not reach this one.
  const env = { MAKEFLAGS: undefined, MAKELEVEL: undefined, CROSS_COMPILE: undefined, LLVM: undefined };
  const args = ['-s', '-C', join(work, 'tools/objtool'), `ARCH=${job.facts.srcArch}`, `HOSTCC=${hostCc}`, 'OUTPUT='];
  await runStep('objtool', { file: 'make', args, cwd: work, env }, ctx);
  await mkdir(join(job.kdir, dirname(path)), { recursive: true });
  await cp(join(work, path), join(job.kdir, path));
  await rm(work, { recursive: true });
  return { path, how: 'built' };
}

/** A program that came with the source has to be for this machine. */
async function takeGiven(job: ToolsJob, path: string, ctx: Context): Promise<BuiltTool> {
  const given = job.source.files.find((file) => file.path === path && file.executable);
  if (given === undefined) return { path, how: undefined };
  try {
    await runProgram(join(job.kdir, path), ['--version'], ctx);
  } catch (error) {
    if (!isKhError(error, 'tool-missing')) throw error;
    const reason = `${path} of ${job.source.path} is not a program of this machine`;
    throw new KhError('build-failed', 'A program of the Kbuild files does not run', { path, reason }, error);
  }
  return { path, how: 'given' };
}

async function compileHost(
  job: ToolsJob,
  hostCc: string,
  output: string,
  sources: readonly string[],
  ctx: Context,
): Promise<void> {
  const args = ['-O2', '-w', '-std=gnu11', '-Iscripts/include', '-o', output, ...sources];
  await runStep(output, { file: hostCc, args, cwd: job.kdir, env: {} }, ctx);
}

async function findHostCompiler(ctx: Context): Promise<string> {
  const names = ['gcc', 'cc', 'clang'];
  for (const name of names) {
    const ran = await runProgram(name, ['--version'], ctx).catch((error: unknown) => {
      if (isKhError(error, 'tool-missing')) return undefined;
      throw error;
    });
    if (ran?.code === 0) return name;
  }
  throw new KhError('tool-missing', 'No compiler for this machine is installed', { path: 'gcc', choices: [] });
}

function has({ source }: ToolsJob, path: string): boolean {
  return source.files.some((file) => file.path === path);
}

/** True if the Makefiles of the tree want `scripts/module.lds` (Linux 5.10 and later, 596b0474d3d9). */
export async function wantsModuleLds(kdir: string): Promise<boolean> {
  const text = await readFile(join(kdir, 'scripts/Makefile.modfinal'), 'utf8').catch(() => '');
  return text.includes('scripts/module.lds');
}
