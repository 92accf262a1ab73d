import { copyFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Context } from '../core/context.js';
import { KhError } from '../core/error.js';
import { type BuiltTool, type ToolsJob, wantsModuleLds } from './host-tools.js';
import { runStep } from './invocation.js';
import { callCompiler, listKernelFlags } from './target-flags.js';

const path = 'scripts/module.lds';

/**
 * The linker script of modules, `scripts/module.lds`: made from module.lds.S by the compiler's preprocessor with the
 * entry's own headers (cmd_cpp_lds_S of scripts/Makefile.build), or taken from where Debian's packages have it.
 * Undefined where this kernel needs none. Errors: `kbuild-missing`, `build-failed`.
 */
export async function makeModuleLds(job: ToolsJob, ctx: Context): Promise<BuiltTool | undefined> {
  const { kdir, source, facts } = job;
  const has = (name: string): boolean => source.files.some((file) => file.path === name);
  if (has(`${path}.S`)) {
    await writeFile(join(kdir, path), await preprocess(job, ctx));
    return { path, how: 'built' };
  }
  for (const name of [path, `arch/${facts.srcArch}/module.lds`]) if (has(name)) return { path: name, how: 'given' };
  if (!(await wantsModuleLds(kdir))) return undefined;
  const found = await findBeside(job);
  if (found === undefined) {
    const reason = 'neither scripts/module.lds.S nor a module.lds is in it';
    throw new KhError('kbuild-missing', 'The Kbuild files have no linker script for modules', {
      path: source.path,
      reason,
    });
  }
  await copyFile(found, join(kdir, path));
  return { path, how: 'given' };
}

async function preprocess({ kdir, headers, facts, toolchain }: ToolsJob, ctx: Context): Promise<string> {
  const [cc, ...flags] = callCompiler(toolchain, facts);
  const language = ['-E', '-P', `-U${facts.srcArch}`, '-D__ASSEMBLY__', '-DLINKER_SCRIPT', '-x', 'assembler-with-cpp'];
  const args = [...flags, ...listKernelFlags(headers, facts), ...language, `${path}.S`];
  return runStep(path, { file: cc, args, cwd: kdir, env: {} }, ctx);
}

/** Debian puts it into the package of each flavour, beside linux-headers-…-common; all flavours have the same. */
async function findBeside({ source, facts }: ToolsJob): Promise<string | undefined> {
  const common = /^(linux-headers-.*-)common$/.exec(source.path.split('/').at(-1) ?? '');
  const folder = dirname(source.path);
  const names = common === null ? [] : await readdir(folder);
  for (const name of names.filter((item) => item.startsWith(common?.[1] ?? '/')).sort()) {
    const inside = join(folder, name, 'arch', facts.srcArch);
    if ((await readdir(inside).catch((): string[] => [])).includes('module.lds')) return join(inside, 'module.lds');
  }
  return undefined;
}
