import { openCache } from '../../keeping.js';
import { registerCommand } from '../command.js';
import { describeEntry } from '../describe.js';
import { formatBytes, formatTable } from '../format.js';

export const listCommand = registerCommand({
  usage: 'list',
  describe: 'List the kernels in the cache',
  examples: [
    ['list', 'A table'],
    ['list --json', 'One JSON object an entry'],
  ],
  options: (parser) => parser,
  async run(args, io) {
    const entries = await (await openCache({ cacheDir: args.cache })).list();
    if (args.json) {
      for (const entry of entries) io.print(JSON.stringify(describeEntry(entry)));
      return 0;
    }
    if (entries.length === 0) io.note('The cache is empty. Type: kheaders pull');
    else {
      const rows = entries.map((entry) => {
        if ('damaged' in entry) return [entry.release, entry.digest, '-', '-', '-', `damaged: ${entry.damaged}`];
        const { manifest } = entry;
        const files = String(manifest.tree.files);
        return [
          entry.release,
          entry.digest,
          files,
          formatBytes(manifest.tree.bytes),
          manifest.source.kind,
          manifest.createdAt,
        ];
      });
      for (const line of formatTable([['RELEASE', 'DIGEST', 'FILES', 'SIZE', 'SOURCE', 'CREATED'], ...rows]))
        io.print(line);
    }
    return 0;
  },
});
