import { openCache } from '../../keeping.js';
import { KhError, type PruneRules } from '../../pulling.js';
import { registerCommand } from '../command.js';
import { formatBytes, parseBytes, parseDuration } from '../format.js';

interface Arguments {
  readonly keep?: number | undefined;
  readonly olderThan?: string | undefined;
  readonly maxSize?: string | undefined;
  readonly dryRun?: boolean | undefined;
}

export const pruneCommand = registerCommand<Arguments>({
  usage: 'prune',
  describe: 'Remove kernels by count, age or size; damaged ones always',
  examples: [
    ['prune --keep 3', 'All but the three used last'],
    ['prune --older-than 30d --keep 1', 'Not used for 30 days, but never the last one'],
    ['prune --max-size 500M --dry-run', 'What would go'],
  ],
  options: (parser) =>
    parser
      .option('keep', { type: 'number', requiresArg: true, describe: 'Keep the N entries used last' })
      .option('older-than', {
        type: 'string',
        requiresArg: true,
        describe: 'Remove what was not used for so long (30d, 12h)',
      })
      .option('max-size', {
        type: 'string',
        requiresArg: true,
        describe: 'Remove the least used until this size is met (500M)',
      })
      .option('dry-run', { type: 'boolean', describe: 'Remove nothing' }),
  async run(args, io) {
    const rules = rulesOf(args);
    const cache = await openCache({ cacheDir: args.cache });
    const removals = await cache.prune(rules, { signal: io.signal, onEvent: io.onEvent });
    for (const { entry, bytes, reason } of removals) {
      const { release, digest } = entry;
      const removed = args.dryRun !== true;
      if (args.json) io.print(JSON.stringify({ ok: true, removed, release, digest, bytes, reason }));
      else io.print(`${removed ? 'removed' : 'would remove'}\t${release}@${digest}\t${formatBytes(bytes)}\t${reason}`);
    }
    return 0;
  },
});

/** Errors: `usage` for values that are none, and for no rule at all. */
function rulesOf({
  keep,
  olderThan,
  maxSize,
  dryRun,
}: Arguments): PruneRules & { readonly dryRun?: boolean | undefined } {
  if (keep === undefined && olderThan === undefined && maxSize === undefined) {
    throw new KhError('usage', 'prune needs --keep, --older-than or --max-size');
  }
  if (keep !== undefined && !(Number.isInteger(keep) && keep >= 0)) throw invalid('--keep', String(keep));
  const olderThanMs = olderThan === undefined ? undefined : parseDuration(olderThan);
  if (olderThan !== undefined && olderThanMs === undefined) throw invalid('--older-than', olderThan);
  const maxBytes = maxSize === undefined ? undefined : parseBytes(maxSize);
  if (maxSize !== undefined && maxBytes === undefined) throw invalid('--max-size', maxSize);
  return { keep, olderThanMs, maxBytes, dryRun };
}

function invalid(option: string, actual: string): KhError {
  return new KhError('usage', `${option} has a value it cannot take`, { actual });
}
