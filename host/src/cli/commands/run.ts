import type { KernelLine } from '../../building.js';
import { KhError, type RootPolicy } from '../../pulling.js';
import { printable } from '../../core/printable.js';
import { type CommonArguments, registerCommand } from '../command.js';
import { type DeviceArguments, addDeviceOptions, selectorOf, serverOf } from '../device-options.js';
import type { Io } from '../io.js';

interface Arguments extends DeviceArguments {
  readonly file: string;
  readonly parameters?: readonly string[] | undefined;
  readonly for?: number | undefined;
  readonly check: boolean;
  readonly force?: boolean | undefined;
  readonly root?: RootPolicy | undefined;
}

export const runCommand = registerCommand<Arguments>({
  usage: 'run <file> [parameters..]',
  describe: 'Load a module on a phone, print the kernel’s log, unload it on Ctrl-C',
  examples: [
    ['run hello.ko', 'Until Ctrl-C'],
    ['run hello.ko count=3 "name=two words" --for 10', 'With parameters, for ten seconds'],
  ],
  options: (parser) =>
    addDeviceOptions(parser)
      .positional('file', { type: 'string', demandOption: true, describe: 'The module, a .ko file' })
      .positional('parameters', { type: 'string', array: true, describe: 'Its parameters: name=value' })
      .option('for', { type: 'number', requiresArg: true, describe: 'Unload after so many seconds' })
      .option('check', {
        type: 'boolean',
        default: true,
        describe: 'Judge it first (--no-check: let the kernel decide)',
      })
      .option('force', { type: 'boolean', describe: 'Load it even if it is judged not to load' })
      .option('root', {
        choices: ['auto', 'su', 'adb', 'none'] as const,
        describe: 'How to become root [default: auto; only adb restarts adbd]',
      }),
  run: runRun,
});

async function runRun(args: Arguments & CommonArguments, io: Io): Promise<number> {
  const { signal, onEvent } = io;
  if (args.for !== undefined && !(args.for >= 0)) {
    throw new KhError('usage', '--for takes seconds', { actual: String(args.for) });
  }
  const { runModule } = await import('../../building.js');
  const result = await runModule(args.file, {
    adb: serverOf(args),
    device: selectorOf(args),
    cacheDir: args.cache,
    root: args.root,
    parameters: args.parameters ?? [],
    seconds: args.for,
    check: args.check,
    force: args.force,
    onLine: (line) => io.print(args.json ? JSON.stringify(describeLine(line)) : formatLine(line)),
    signal,
    onEvent,
  });
  if (args.json) io.print(JSON.stringify({ ok: true, kind: 'end', ...result }));
  else if (result.unload === 'gone') io.note(`Somebody else had unloaded ${printable(result.module)}.`);
  return 0;
}

/** docs/json.md is the schema. */
function describeLine({ sequence, microseconds, level, text }: KernelLine): object {
  return { ok: true, kind: 'log', sequence, microseconds, level, text };
}

/** As dmesg prints it; what is not plainly visible is escaped. */
function formatLine({ microseconds, text }: KernelLine): string {
  const seconds = (microseconds / 1e6).toFixed(6).padStart(12);
  return `[${seconds}] ${printable(text, 4000)}`;
}
