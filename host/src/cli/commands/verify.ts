import { type KernelCache, openCache } from '../../keeping.js';
import { type Entry, KhError, type Problem } from '../../pulling.js';
import { printable } from '../../core/printable.js';
import { type CommonArguments, registerCommand } from '../command.js';
import type { Io } from '../io.js';
import { describeError, renderError } from '../render-error.js';

interface Arguments {
  readonly name?: string | undefined;
  readonly repair?: boolean | undefined;
}

export const verifyCommand = registerCommand<Arguments>({
  usage: 'verify [name]',
  describe: 'Compare cached trees with their archives, file by file',
  examples: [
    ['verify', 'All entries'],
    ['verify --repair', 'And extract damaged ones again'],
  ],
  options: (parser) =>
    parser
      .positional('name', { type: 'string', describe: 'RELEASE or RELEASE@DIGEST' })
      .option('repair', { type: 'boolean', describe: 'Extract damaged trees again from their own archive' }),
  async run(args, io) {
    const cache = await openCache({ cacheDir: args.cache });
    const entries = args.name === undefined ? await cache.list() : [await cache.resolve(args.name)];
    let damaged = 0;
    for (const entry of entries) {
      if ('damaged' in entry) {
        damaged += 1;
        const { release, digest, damaged: reason } = entry;
        const found: Verdict = {
          release,
          digest,
          problems: [{ kind: reason, path: 'manifest.json' }],
          repaired: false,
        };
        report(found, args, io);
      } else if (!(await verifyOne(cache, entry, args, io))) damaged += 1;
    }
    if (damaged === 0) return 0;
    throw new KhError('cache-corrupt', `${damaged} of ${entries.length} entries are damaged`, { path: cache.root });
  },
});

interface Verdict {
  readonly release: string;
  readonly digest: string;
  readonly problems: readonly { readonly kind: string; readonly path: string }[];
  readonly repaired: boolean;
}

/** True if the entry is good, or is now. */
async function verifyOne(
  cache: KernelCache,
  entry: Entry,
  args: Arguments & CommonArguments,
  io: Io,
): Promise<boolean> {
  const { signal, onEvent } = io;
  const problems: readonly Problem[] = await cache.verify(entry, { signal, onEvent });
  const { release, digest } = entry;
  let repaired = false;
  if (problems.length > 0 && args.repair === true) {
    try {
      await cache.repair(entry, { signal, onEvent });
      repaired = true;
    } catch (error) {
      if (args.json) io.print(JSON.stringify({ ok: false, release, digest, error: describeError(error) }));
      else io.note(renderError(error, args.verbose));
    }
  }
  report({ release, digest, problems, repaired }, args, io);
  return problems.length === 0 || repaired;
}

const shownProblems = 20;

function report({ release, digest, problems, repaired }: Verdict, args: CommonArguments, io: Io): void {
  const ok = problems.length === 0 || repaired;
  if (args.json) {
    io.print(JSON.stringify({ ok, release, digest, repaired, problems }));
    return;
  }
  const verdict = problems.length === 0 ? 'ok' : repaired ? 'repaired' : 'damaged';
  io.print(`${verdict}\t${release}@${digest}`);
  for (const { kind, path } of problems.slice(0, shownProblems)) io.note(`  ${kind}: ${printable(path, 400)}`);
  if (problems.length > shownProblems) io.note(`  and ${problems.length - shownProblems} more`);
}
