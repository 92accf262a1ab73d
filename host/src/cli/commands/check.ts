import type { CheckResult, Finding } from '../../building.js';
import { KhError, type RootPolicy } from '../../pulling.js';
import { printable } from '../../core/printable.js';
import { type CommonArguments, registerCommand } from '../command.js';
import { addDeviceOptions, selectorOf, serverOf } from '../device-options.js';
import { formatTable } from '../format.js';
import type { Io } from '../io.js';
import { type EntryArguments, chooseEntry } from './choose-entry.js';

interface Arguments extends EntryArguments {
  readonly file: string;
  readonly symvers?: string | undefined;
  readonly image?: string | undefined;
  readonly root?: RootPolicy | undefined;
}

export const checkCommand = registerCommand<Arguments>({
  usage: 'check <file> [name]',
  describe: 'Would a module load? Asks a cached kernel, or a phone with -s',
  examples: [
    ['check hello.ko -s 0123456789ABCDEF', 'On that phone as it is now'],
    ['check hello.ko 6.1.25-android14-11', 'On a cached kernel, by what is known of it'],
  ],
  options: (parser) =>
    addDeviceOptions(parser)
      .positional('file', { type: 'string', demandOption: true, describe: 'The module, a .ko file' })
      .positional('name', { type: 'string', describe: 'RELEASE or RELEASE@DIGEST' })
      .option('symvers', { type: 'string', requiresArg: true, describe: 'A Module.symvers of the cached kernel' })
      .option('image', { type: 'string', requiresArg: true, describe: 'An image of the cached kernel' })
      .option('root', {
        choices: ['auto', 'su', 'adb', 'none'] as const,
        describe: 'How to become root, to read the phone’s modules [default: auto; only adb restarts adbd]',
      }),
  async run(args, io) {
    const result = await check(args, io);
    if (args.json) io.print(JSON.stringify(describeCheck(result)));
    else for (const line of formatTable(rowsOf(result))) io.print(line);
    return judge(result);
  },
});

async function check(args: Arguments & CommonArguments, io: Io): Promise<CheckResult> {
  const { checkAgainstEntry, checkAgainstPhone } = await import('../../building.js');
  const { signal, onEvent } = io;
  const device = args.name === undefined ? selectorOf(args) : undefined;
  const options = { adb: serverOf(args), cacheDir: args.cache, signal, onEvent };
  if (device !== undefined) return checkAgainstPhone(args.file, { ...options, device, root: args.root });
  const { symvers, image } = args;
  return checkAgainstEntry(args.file, await chooseEntry(args, io), { ...options, symvers, image });
}

/** docs/json.md is the schema. */
function describeCheck({ verdict, findings, file, entry, serial }: CheckResult): object {
  const { release, digest } = entry;
  return { ok: verdict === 'will', verdict, file, release, digest, serial, findings };
}

const words: Readonly<Record<Finding['outcome'], string>> = { ok: 'ok', note: 'note', unknown: '?', fails: 'NO' };

function rowsOf({ findings }: CheckResult): readonly (readonly string[])[] {
  return findings.map(({ check, outcome, subject, detail }) => [
    words[outcome],
    check,
    subject === undefined ? printable(detail, 400) : `${printable(subject)}: ${printable(detail, 400)}`,
  ]);
}

async function judge({ verdict, findings, file, entry, serial }: CheckResult): Promise<number> {
  if (verdict === 'will') return 0;
  const { describeVerdict } = await import('../../building.js');
  const phone = serial === undefined ? {} : { serial };
  const details = { path: file, release: entry.release, reason: describeVerdict(findings), ...phone };
  if (verdict === 'will-not') throw new KhError('module-unfit', 'The module will not load', details);
  throw new KhError('module-unknown', 'Whether the module will load cannot be told', details);
}
