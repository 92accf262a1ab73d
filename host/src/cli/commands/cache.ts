import { openCache } from '../../keeping.js';
import { registerCommand } from '../command.js';
import { formatBytes } from '../format.js';

export const cacheCommand = registerCommand({
  usage: 'cache',
  describe: 'Show where the cache is and how big',
  examples: [['cache', 'Path, entries, size']],
  options: (parser) => parser,
  async run(args, io) {
    const cache = await openCache({ cacheDir: args.cache });
    const { entries, totalBytes, temporaryBytes } = await cache.usage({ signal: io.signal });
    if (args.json)
      io.print(JSON.stringify({ ok: true, root: cache.root, entries: entries.length, totalBytes, temporaryBytes }));
    else io.print(`${cache.root}\t${entries.length} kernels\t${formatBytes(totalBytes)}`);
    return 0;
  },
});
