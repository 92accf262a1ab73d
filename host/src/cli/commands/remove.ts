import { openCache } from '../../keeping.js';
import { registerCommand } from '../command.js';

interface Arguments {
  readonly names?: readonly string[] | undefined;
}

export const removeCommand = registerCommand<Arguments>({
  usage: 'remove <names..>',
  describe: 'Remove kernels from the cache',
  examples: [['remove 6.1.25-android14-11@1f2e3d4c5b6a7980', 'One entry']],
  options: (parser) =>
    parser.positional('names', {
      type: 'string',
      array: true,
      demandOption: true,
      describe: 'RELEASE or RELEASE@DIGEST',
    }),
  async run(args, io) {
    const cache = await openCache({ cacheDir: args.cache });
    const known = await cache.list();
    for (const name of args.names ?? []) {
      const damaged = known.find((entry) => 'damaged' in entry && `${entry.release}@${entry.digest}` === name);
      const entry = damaged ?? (await cache.resolve(name));
      await cache.remove(entry, { signal: io.signal, onEvent: io.onEvent });
      const { release, digest } = entry;
      io.print(
        args.json ? JSON.stringify({ ok: true, removed: true, release, digest }) : `removed\t${release}@${digest}`,
      );
    }
    return 0;
  },
});
