import { registerCommand } from '../command.js';
import { describeEntry } from '../describe.js';
import { addDeviceOptions } from '../device-options.js';
import { type EntryArguments, chooseEntry } from './choose-entry.js';

export const pathCommand = registerCommand<EntryArguments>({
  usage: 'path [name]',
  describe: 'Print the headers folder of a cached kernel, or of a phone’s',
  examples: [
    ['path 6.1.25-android14-11-maybe-dirty', 'The newest entry of that release'],
    ['path -s 0123456789ABCDEF', 'The kernel that phone runs; pulled if need be'],
  ],
  options: (parser) =>
    addDeviceOptions(parser).positional('name', { type: 'string', describe: 'RELEASE or RELEASE@DIGEST' }),
  async run(args, io) {
    const entry = await chooseEntry(args, io);
    io.print(args.json ? JSON.stringify(describeEntry(entry)) : entry.headers);
    return 0;
  },
});
