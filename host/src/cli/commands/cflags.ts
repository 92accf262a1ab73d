import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { FlagKind } from '../../building.js';
import { KhError } from '../../pulling.js';
import { registerCommand } from '../command.js';
import { addDeviceOptions } from '../device-options.js';
import { type EntryArguments, chooseEntry } from './choose-entry.js';

interface Arguments extends EntryArguments {
  readonly bpf?: boolean | undefined;
  readonly module?: boolean | undefined;
  readonly responseFile?: string | undefined;
}

export const cflagsCommand = registerCommand<Arguments>({
  usage: 'cflags [name]',
  describe: 'Print clang’s flags for a kernel’s headers',
  examples: [
    ['cflags --bpf', 'clang $(…) -c x.c -o x.bc, then clang --target=bpf -x ir -c x.bc -o x.o'],
    ['cflags --module --response-file flags', 'For editors and checkers: clang @flags -fsyntax-only hello.c'],
  ],
  options: (parser) =>
    addDeviceOptions(parser)
      .positional('name', { type: 'string', describe: 'RELEASE or RELEASE@DIGEST' })
      .option('bpf', {
        type: 'boolean',
        describe: 'For an eBPF program: to bitcode, which becomes BPF in a second step',
      })
      .option('module', { type: 'boolean', describe: 'For the source of a module, as an editor needs them' })
      .option('response-file', {
        type: 'string',
        requiresArg: true,
        describe: 'Write them to this file, for clang @FILE, and print its path',
      }),
  async run(args, io) {
    const kind = kindOf(args);
    const entry = await chooseEntry(args, io);
    const { headerFlags } = await import('../../building.js');
    const flags = await headerFlags(entry, kind);
    const file = await writeResponse(args, flags);
    const { release, digest } = entry;
    if (args.json) io.print(JSON.stringify({ ok: true, release, digest, kind, flags, file }));
    else io.print(file ?? (await formatLine(flags)));
    return 0;
  },
});

function kindOf({ bpf, module }: Arguments): FlagKind {
  if ((bpf === true) === (module === true)) throw new KhError('usage', 'Give either --bpf or --module');
  return bpf === true ? 'bpf' : 'module';
}

async function writeResponse({ responseFile }: Arguments, flags: readonly string[]): Promise<string | undefined> {
  if (responseFile === undefined) return undefined;
  const path = resolve(responseFile);
  const { formatResponseFile } = await import('../../building.js');
  try {
    await writeFile(path, formatResponseFile(flags));
  } catch (error) {
    throw new KhError('usage', 'The file cannot be written', { path }, error);
  }
  return path;
}

/** Words without quotes: a shell does not look for quotes in what `$(…)` gives. */
async function formatLine(flags: readonly string[]): Promise<string> {
  const { isPlainLine } = await import('../../building.js');
  if (isPlainLine(flags)) return flags.join(' ');
  const reason = 'with such a path the flags cannot be words of a command line: use --response-file';
  throw new KhError('usage', 'The path of the cache holds a blank or a wildcard', { reason });
}
