import { openCache } from '../../keeping.js';
import { registerCommand } from '../command.js';
import { describeEntry } from '../describe.js';

interface Arguments {
  readonly file?: string | undefined;
}

export const importCommand = registerCommand<Arguments>({
  usage: 'import <file>',
  describe:
    'Put an archive, the one in a kernel image, or an exported entry, into the cache; print the path of the tree',
  examples: [
    ['import ./kheaders.tar.xz', 'The release is read from the headers'],
    ['import ./phone.kheaders', 'What export wrote, with its manifest'],
    ['import ./boot.img', 'Cut out of boot.img, vmlinux, Image (.gz .lz4 .zst .xz), bzImage or kheaders.ko'],
  ],
  options: (parser) =>
    parser.positional('file', {
      type: 'string',
      demandOption: true,
      describe: 'kheaders.tar.xz, an exported file, or a kernel image',
    }),
  async run(args, io) {
    const cache = await openCache({ cacheDir: args.cache });
    const entry = await cache.import(args.file ?? '', { signal: io.signal, onEvent: io.onEvent });
    io.print(args.json ? JSON.stringify(describeEntry(entry)) : entry.headers);
    return 0;
  },
});
