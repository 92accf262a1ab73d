import { openCache } from '../../keeping.js';
import { registerCommand } from '../command.js';

interface Arguments {
  readonly name?: string | undefined;
  readonly file?: string | undefined;
}

export const exportCommand = registerCommand<Arguments>({
  usage: 'export <name> <file>',
  describe: 'Write a cached kernel with its manifest into one file, for a machine without the phone',
  examples: [['export 6.1.25-android14-11-maybe-dirty ./phone.kheaders', 'The same entry always gives the same bytes']],
  options: (parser) =>
    parser
      .positional('name', { type: 'string', demandOption: true, describe: 'RELEASE or RELEASE@DIGEST' })
      .positional('file', { type: 'string', demandOption: true, describe: 'File to write' }),
  async run(args, io) {
    const cache = await openCache({ cacheDir: args.cache });
    const entry = await cache.resolve(args.name ?? '');
    const file = args.file ?? '';
    await cache.export(entry, file, { signal: io.signal, onEvent: io.onEvent });
    const { release, digest } = entry;
    io.print(args.json ? JSON.stringify({ ok: true, release, digest, file }) : file);
    return 0;
  },
});
