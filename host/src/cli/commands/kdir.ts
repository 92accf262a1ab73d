import { registerCommand } from '../command.js';
import { addDeviceOptions } from '../device-options.js';
import { type KdirArguments, addKdirOptions, kdirOptionsOf } from '../kdir-options.js';
import { type EntryArguments, chooseEntry } from './choose-entry.js';

export const kdirCommand = registerCommand<EntryArguments & KdirArguments>({
  usage: 'kdir [name]',
  describe: 'Make a tree to build modules in for a cached kernel, or a phone’s; print its path',
  examples: [
    ['kdir -s 0123456789ABCDEF', 'For the kernel that phone runs: make -C "$(kheaders kdir …)" M=$PWD modules'],
    ['kdir 6.1.25-android14-11 --kbuild ~/linux-6.1.25.tar.xz', 'With Makefile and scripts of that source'],
  ],
  options: (parser) =>
    addKdirOptions(addDeviceOptions(parser)).positional('name', {
      type: 'string',
      describe: 'RELEASE or RELEASE@DIGEST',
    }),
  async run(args, io) {
    const entry = await chooseEntry(args, io, { symbols: true });
    const { signal, onEvent } = io;
    const { kdir } = await import('../../building.js');
    const tree = await kdir(entry, { ...kdirOptionsOf(args), cacheDir: args.cache, signal, onEvent });
    io.print(args.json ? JSON.stringify({ ok: true, path: tree.path, record: tree.record }) : tree.path);
    return 0;
  },
});
