import type { BpfTool } from '../../building.js';
import { registerCommand } from '../command.js';
import { addDeviceOptions } from '../device-options.js';
import { type Shell, formatExport, shells } from '../export-line.js';
import { type EntryArguments, chooseEntry } from './choose-entry.js';

interface Arguments extends EntryArguments {
  readonly tool: BpfTool | 'all';
  readonly shell: Shell;
}

export const envCommand = registerCommand<Arguments>({
  usage: 'env [name]',
  describe: 'Print the environment by which BCC and bpftrace use a kernel’s headers',
  examples: [
    ['env -s 0123456789ABCDEF --tool bpftrace', 'For the kernel that phone runs; eval "$(…)" takes it over'],
    ['env --shell fish | source', 'In fish'],
  ],
  options: (parser) =>
    addDeviceOptions(parser)
      .positional('name', { type: 'string', describe: 'RELEASE or RELEASE@DIGEST' })
      .option('tool', {
        choices: ['bcc', 'bpftrace', 'all'] as const,
        default: 'all' as const,
        describe: 'For which tool',
      })
      .option('shell', { choices: shells, default: 'sh' as const, describe: 'In whose language' }),
  async run(args, io) {
    const entry = await chooseEntry(args, io);
    const { signal, onEvent } = io;
    const tools = args.tool === 'all' ? undefined : [args.tool];
    const { bpfEnvironment } = await import('../../building.js');
    const { variables, remarks } = await bpfEnvironment(entry, { cacheDir: args.cache, tools, signal, onEvent });
    for (const remark of remarks) io.note(remark);
    const { release, digest } = entry;
    if (args.json)
      io.print(JSON.stringify({ ok: true, release, digest, variables: Object.fromEntries(variables), remarks }));
    else for (const [name, value] of variables) io.print(formatExport(args.shell, name, value));
    return 0;
  },
});
