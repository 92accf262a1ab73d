import type { BuiltModule, Kdir } from '../../building.js';
import { printable } from '../../core/printable.js';
import { type CommonArguments, registerCommand } from '../command.js';
import { type DeviceArguments, addDeviceOptions } from '../device-options.js';
import type { Io } from '../io.js';
import { type KdirArguments, addKdirOptions, kdirOptionsOf } from '../kdir-options.js';
import { chooseEntry } from './choose-entry.js';

interface Arguments extends DeviceArguments, KdirArguments {
  readonly dir?: string | undefined;
  readonly kernel?: string | undefined;
  readonly compileCommands?: boolean | undefined;
  readonly clangd?: boolean | undefined;
  readonly allowMissingCrcs?: boolean | undefined;
  readonly '--'?: readonly string[] | undefined;
}

export const buildCommand = registerCommand<Arguments>({
  usage: 'build <dir>',
  describe: 'Build the kernel module of a folder for a cached kernel, or a phone’s; print the path of each .ko',
  examples: [
    ['build ./hello -s 0123456789ABCDEF', 'For the kernel that phone runs'],
    ['build ./hello --kernel 6.1.25-android14-11 -- W=1 -j4', 'For a cached kernel; arguments for make behind --'],
  ],
  options: (parser) =>
    addKdirOptions(addDeviceOptions(parser))
      .positional('dir', {
        type: 'string',
        demandOption: true,
        describe: 'The module’s folder, with its Kbuild or Makefile',
      })
      .option('kernel', { type: 'string', requiresArg: true, describe: 'RELEASE or RELEASE@DIGEST' })
      .option('compile-commands', { type: 'boolean', describe: 'Write compile_commands.json into the folder' })
      .option('clangd', { type: 'boolean', describe: 'Write compile_commands.json and .clangd' })
      .option('allow-missing-crcs', { type: 'boolean', describe: 'Go on where the CRC of an import is not known' })
      .parserConfiguration({ 'populate--': true }),
  run: runBuild,
});

async function runBuild(args: Arguments & CommonArguments, io: Io): Promise<number> {
  const { signal, onEvent } = io;
  const entry = await chooseEntry({ ...args, name: args.kernel }, io, { symbols: true });
  const { buildModule, kdir } = await import('../../building.js');
  const tree = await kdir(entry, { ...kdirOptionsOf(args), cacheDir: args.cache, signal, onEvent });
  if (!args.quiet) io.note(describeCompiler(tree));
  const { compileCommands, clangd, allowMissingCrcs } = args;
  const options = { compileCommands, clangd, allowMissingCrcs, makeArgs: args['--'], signal, onEvent };
  const modules = await buildModule(args.dir ?? '', tree, options);
  for (const module of modules) io.print(args.json ? JSON.stringify(describeModule(module, tree)) : module.path);
  return 0;
}

function describeCompiler({ inputs: { toolchain } }: Kdir): string {
  const { compiler, exact, wanted } = toolchain;
  if (exact) return `compiler: ${printable(compiler.text)}, which built the kernel`;
  return `compiler: ${printable(compiler.text)}; the kernel was built with ${printable(wanted ?? 'one it does not name')}`;
}

function describeModule(module: BuiltModule, { path, inputs }: Kdir): object {
  const { entry, toolchain } = inputs;
  const compiler = { text: toolchain.compiler.text, wanted: toolchain.wanted, exact: toolchain.exact };
  return { ok: true, ...module, release: entry.release, digest: entry.digest, kdir: path, compiler };
}
