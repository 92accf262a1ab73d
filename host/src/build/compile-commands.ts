import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { errnoOf } from '../core/error.js';

/** One entry of compile_commands.json, as clang's tools read it. */
export interface CompileCommand {
  readonly directory: string;
  readonly command: string;
  readonly file: string;
}

/**
 * The compile command in a `.NAME.o.cmd` file that Kbuild left beside an object; undefined for other commands (linking).
 * `directory` is where make ran. The variable is called cmd_…, and savedcmd_… since Linux 6.3 (92215e7a801d).
 */
export function parseCommandFile(text: string, directory: string): CompileCommand | undefined {
  const command = /^(?:saved)?cmd_\S+ := (.*)$/m.exec(text)?.[1]?.split(' ; ')[0]?.trim();
  const source = /\s(\S+\.[cS])$/.exec(command ?? '')?.[1];
  if (command === undefined || source === undefined || !/\s-c\s/.test(command)) return undefined;
  const plain = command.replaceAll('$$', '$').replaceAll('$(pound)', '#').replaceAll('\\#', '#');
  return { directory, command: plain, file: resolve(directory, source) };
}

/** Writes compile_commands.json for the objects below a module's folder; returns how many there are. */
export async function writeCompileCommands(folder: string, kdir: string): Promise<number> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => /(?:^|\/)\.[^/]+\.o\.cmd$/.test(name));
  const commands: CompileCommand[] = [];
  for (const name of names.sort()) {
    const command = parseCommandFile(await readFile(join(folder, name), 'utf8'), kdir);
    if (command !== undefined && !command.file.endsWith('.mod.c')) commands.push(command);
  }
  await writeFile(join(folder, 'compile_commands.json'), `${JSON.stringify(commands, undefined, 2)}\n`);
  return commands.length;
}

const mark = '# Written by kheaders build --clangd';

/** gcc's options that clang does not know, which clangd would report in every file. */
const gccOnly = [
  '-fconserve-stack',
  '-fno-allow-store-data-races',
  '-fno-ipa-*',
  '-fno-var-tracking-assignments',
  '-mindirect-branch*',
  '-mfunction-return=*',
  '-mpreferred-stack-boundary=*',
  '-mrecord-mcount',
  '-mskip-rax-setup',
  '-mabi=lp64',
  '-fplugin*',
  '-Wno-alloc-size-larger-than',
  '-Wno-maybe-uninitialized',
  '-Wimplicit-fallthrough=*',
  '-fmin-function-alignment=*',
];

/** Writes a .clangd that uses compile_commands.json; leaves one alone that is not ours, and says false then. */
export async function writeClangd(folder: string): Promise<boolean> {
  const path = join(folder, '.clangd');
  const remove = gccOnly.map((flag) => `    - '${flag}'\n`).join('');
  const text = `${mark}\nCompileFlags:\n  CompilationDatabase: .\n  Remove:\n${remove}`;
  const old = await readFile(path, 'utf8').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (old !== undefined && !old.startsWith(mark)) return false;
  await writeFile(path, text);
  return true;
}
