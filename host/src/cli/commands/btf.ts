import type { Btf } from '../../building.js';
import { openCache } from '../../keeping.js';
import { type CommonArguments, registerCommand } from '../command.js';
import { addDeviceOptions, selectorOf, serverOf } from '../device-options.js';
import type { Io } from '../io.js';
import type { EntryArguments } from './choose-entry.js';

interface Arguments extends EntryArguments {
  readonly header?: boolean | undefined;
}

export const btfCommand = registerCommand<Arguments>({
  usage: 'btf [name]',
  describe: 'Read the BTF of a phone’s kernel into the cache and print its path',
  examples: [
    ['btf', 'Of the kernel the attached phone runs'],
    ['btf --header', 'Also vmlinux.h, all types in C; prints that file (needs bpftool)'],
  ],
  options: (parser) =>
    addDeviceOptions(parser)
      .positional('name', {
        type: 'string',
        describe: 'RELEASE or RELEASE@DIGEST: what the cache has, without a phone',
      })
      .option('header', { type: 'boolean', describe: 'Write vmlinux.h beside it, and print its path instead' }),
  async run(args, io) {
    const { entry, path } = await chooseBtf(args, io);
    const { signal, onEvent } = io;
    const { writeVmlinuxHeader } = await import('../../building.js');
    const wanted = args.header === true;
    const header = wanted ? await writeVmlinuxHeader(entry, { cacheDir: args.cache, signal, onEvent }) : undefined;
    const { release, digest } = entry;
    io.print(args.json ? JSON.stringify({ ok: true, release, digest, btf: path, header }) : (header ?? path));
    return 0;
  },
});

async function chooseBtf(args: Arguments & CommonArguments, { signal, onEvent }: Io): Promise<Btf> {
  const cacheDir = args.cache;
  const { findBtf, pullBtf } = await import('../../building.js');
  if (args.name === undefined) {
    return pullBtf({ device: selectorOf(args), adb: serverOf(args), cacheDir, signal, onEvent });
  }
  const entry = await (await openCache({ cacheDir })).resolve(args.name);
  return { entry, path: await findBtf(entry, { cacheDir }) };
}
