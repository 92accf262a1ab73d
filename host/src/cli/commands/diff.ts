import type { KernelDifference } from '../../building.js';
import { openCache } from '../../keeping.js';
import { type Entry } from '../../pulling.js';
import { printable } from '../../core/printable.js';
import { registerCommand } from '../command.js';
import type { Io } from '../io.js';

interface Arguments {
  readonly a?: string | undefined;
  readonly b?: string | undefined;
  readonly unified?: boolean | undefined;
  readonly exitCode?: boolean | undefined;
}

export const diffCommand = registerCommand<Arguments>({
  usage: 'diff <a> <b>',
  describe: 'Compare two cached kernels: files, and options of their configuration',
  examples: [
    ['diff 6.1.25-android14-11 6.1.57-android14-11', 'A line for each file and option that differs'],
    ['diff 6.1.25@1f2e 6.1.25@77c0 --unified', 'Two builds of one release, line by line'],
  ],
  options: (parser) =>
    parser
      .positional('a', { type: 'string', demandOption: true, describe: 'RELEASE or RELEASE@DIGEST' })
      .positional('b', { type: 'string', demandOption: true, describe: 'The other one' })
      .option('unified', { alias: 'u', type: 'boolean', describe: 'The files’ differences as a unified diff' })
      .option('exit-code', { type: 'boolean', describe: 'End with 1 where there is a difference, as git does' }),
  async run(args, io) {
    const cache = await openCache({ cacheDir: args.cache });
    const [a, b] = [await cache.resolve(args.a ?? ''), await cache.resolve(args.b ?? '')];
    const { diffKernels } = await import('../../building.js');
    const difference = await diffKernels(a, b, { signal: io.signal });
    if (args.json) io.print(JSON.stringify({ ok: true, a: nameOf(a), b: nameOf(b), ...difference }));
    else if (args.unified === true) await printPatches(a, b, difference, io);
    else printLines(difference, io);
    const { files, options } = difference;
    if (!args.json && !args.quiet) io.note(`${files.length} files and ${options.length} options differ`);
    return args.exitCode === true && files.length + options.length > 0 ? 1 : 0;
  },
});

function nameOf({ release, digest }: Entry): object {
  return { release, digest };
}

function printLines({ files, options }: KernelDifference, io: Io): void {
  for (const { name, a = 'not set', b = 'not set' } of options) {
    io.print(`option\t${printable(name)}\t${printable(a)}\t${printable(b)}`);
  }
  for (const { change, path } of files) io.print(`${change}\t${printable(path, 4096)}`);
}

async function printPatches(a: Entry, b: Entry, { files }: KernelDifference, { signal, print }: Io): Promise<void> {
  const { formatPatch } = await import('../../building.js');
  for (const file of files) print(harmless((await formatPatch(a, b, file, { signal })).trimEnd()));
}

/** What steers a terminal is not shown; the text is otherwise the files' own. */
function harmless(text: string): string {
  return text.replaceAll(/[^\n\t\P{C}]|[\p{Zl}\p{Zp}]/gu, '\ufffd');
}
