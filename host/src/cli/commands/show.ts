import type { Entry } from '../../pulling.js';
import { printable } from '../../core/printable.js';
import { registerCommand } from '../command.js';
import { describeEntry } from '../describe.js';
import { addDeviceOptions } from '../device-options.js';
import { formatBytes, formatTable } from '../format.js';
import { type EntryArguments, chooseEntry } from './choose-entry.js';

export const showCommand = registerCommand<EntryArguments>({
  usage: 'show [name]',
  describe: 'Show what is known of a cached kernel',
  examples: [
    ['show', 'The only entry'],
    ['show 6.1.25-android14-11@1f2e', 'By release and the begin of the digest'],
  ],
  options: (parser) =>
    addDeviceOptions(parser).positional('name', { type: 'string', describe: 'RELEASE or RELEASE@DIGEST' }),
  async run(args, io) {
    const entry = await chooseEntry(args, io);
    if (args.json) io.print(JSON.stringify(describeEntry(entry)));
    else for (const line of formatTable(rowsOf(entry))) io.print(line);
    return 0;
  },
});

function rowsOf({ release, digest, headers, archivePath, manifest }: Entry): readonly (readonly string[])[] {
  const { tree, source, provenance, layout, archive, createdAt, tool, machine } = manifest;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['release', release],
    ['digest', digest],
    ['machine', machine],
    ['headers', headers],
    ['archive', `${archivePath} (${formatBytes(archive.bytes)}, sha256 ${archive.sha256})`],
    ['tree', `${tree.files} files, ${tree.directories} folders, ${tree.symlinks} links, ${formatBytes(tree.bytes)}`],
    ['layout', layout],
    ['source', [source.kind, source.devicePath ?? source.filePath].filter((part) => part !== undefined).join(' ')],
    ['serial', provenance.serial],
    ['model', provenance.model],
    ['abi', provenance.abi],
    ['fingerprint', provenance.fingerprint],
    ['kernel', provenance.procVersion],
    ['pulled', `${createdAt} by ${tool.name} ${tool.version}`],
  ];
  return rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, printable(value, 1000)]]));
}
