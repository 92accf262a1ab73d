import { hash } from 'node:crypto';
import { copyFile, chmod, mkdir, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { Entry } from '../cache/format.js';
import { type Context, throwIfAborted } from '../core/context.js';
import { formatSymvers } from '../image/symvers.js';
import type { EntryFacts } from './entry-facts.js';
import { type BuiltTool, makeHostTools } from './host-tools.js';
import type { KbuildSource } from './kbuild-source.js';
import type { KdirInputs } from './kdir-inputs.js';
import { type KdirPart, formatKdirRecord } from './kdir-record.js';
import { formatKdirMakefile } from './kdir-makefile.js';
import { makeModuleLds } from './module-lds.js';

/**
 * Fills an empty folder with a tree that `make -C` takes: the Kbuild files copied, the headers as links to the entry's
 * own, and the rest made. `final` is where the folder will be; the links count from there.
 * Errors: `build-failed`, `kbuild-missing`, `tool-missing`.
 */
export async function assembleKdir(target: string, final: string, inputs: KdirInputs, ctx: Context): Promise<void> {
  const { entry, facts, source, autoConf, toolchain } = inputs;
  await copyKbuild(target, source, ctx);
  await linkHeaders(target, entry, facts, (file) => file);
  const files: readonly (readonly [string, string])[] = [
    ['Makefile', formatKdirMakefile(facts.makeArch, toolchain)],
    ['include/config/auto.conf', autoConf.text],
    ['include/config/kernel.release', `${entry.release}\n`],
    ...(inputs.symvers === undefined ? [] : [['Module.symvers', formatSymvers(inputs.symvers)] as const]),
  ];
  for (const [path, text] of files) await writeFile(join(target, path), text);
  const job = { kdir: target, headers: entry.headers, facts, source, toolchain };
  const tools = await makeHostTools(job, ctx);
  const moduleLds = await makeModuleLds(job, ctx);
  await linkHeaders(target, entry, facts, (file, link) => relative(dirname(join(final, link)), file));
  const parts = await describeParts(target, inputs, [...tools, ...(moduleLds === undefined ? [] : [moduleLds])]);
  await writeFile(join(target, 'kdir.json'), formatKdirRecord(inputs, parts));
}

/** Everything but objtool's sources, which are only built from. The kernel's Makefile makes room for ours. */
async function copyKbuild(target: string, { files }: KbuildSource, ctx: Context): Promise<void> {
  for (const { path, file, executable } of files) {
    throwIfAborted(ctx);
    if (path.startsWith('tools/') && path !== 'tools/objtool/objtool') continue;
    const copy = join(target, path === 'Makefile' ? 'Makefile.kernel' : path);
    await mkdir(dirname(copy), { recursive: true });
    await copyFile(file, copy);
    await chmod(copy, executable ? 0o755 : 0o644);
  }
}

/**
 * Links to the folders of the entry's headers; include/config is a folder of our own, since auto.conf has to be in it.
 * Called twice: programs are built while the tree is not yet at its place, where the links will count from.
 */
async function linkHeaders(
  target: string,
  entry: Entry,
  { srcArch }: EntryFacts,
  leadTo: (file: string, link: string) => string,
): Promise<void> {
  const config = 'include/config';
  await mkdir(join(target, config), { recursive: true });
  await mkdir(join(target, 'arch', srcArch), { recursive: true });
  const names = (await readdir(join(entry.headers, 'include'))).filter((name) => name !== 'config');
  for (const link of [...names.map((name) => `include/${name}`), `arch/${srcArch}/include`]) {
    await rm(join(target, link), { force: true });
    await symlink(leadTo(join(entry.headers, link), link), join(target, link));
  }
}

async function describeParts(
  target: string,
  { entry, source, autoConf, symvers }: KdirInputs,
  tools: readonly BuiltTool[],
): Promise<readonly KdirPart[]> {
  const digest = async (path: string) => hash('sha256', await readFile(join(target, path)));
  const config = 'include/config/auto.conf';
  const parts: KdirPart[] = [
    { part: 'headers', source: 'entry', sha256: entry.manifest.archive.sha256 },
    { part: 'kbuild', source: `${source.kind} ${source.path}`, sha256: source.digest },
    { part: config, source: autoConf.source, sha256: await digest(config) },
  ];
  const name = 'Module.symvers';
  if (symvers !== undefined) parts.push({ part: name, source: 'symbols', sha256: await digest(name) });
  else parts.push({ part: name, source: 'missing' });
  for (const { path, how } of tools) {
    if (how === undefined) parts.push({ part: path, source: 'missing' });
    else parts.push({ part: path, source: `${how} from kbuild`, sha256: await digest(path) });
  }
  return parts;
}
