import { type DeviceReport, listDevices } from '../../keeping.js';
import { printable } from '../../core/printable.js';
import { registerCommand } from '../command.js';
import { describeDevice } from '../describe.js';
import { type DeviceArguments, addServerOptions, serverOf } from '../device-options.js';
import { formatTable } from '../format.js';
import { describeError } from '../render-error.js';

export const devicesCommand = registerCommand<Pick<DeviceArguments, 'host' | 'port' | 'socket'>>({
  usage: 'devices',
  describe: 'List attached phones: kernel, where its headers would come from, whether cached',
  examples: [
    ['devices', 'A table'],
    ['devices --json', 'One JSON object a device'],
  ],
  options: (parser) => addServerOptions(parser),
  async run(args, io) {
    const { signal, onEvent } = io;
    const reports = await listDevices({ adb: serverOf(args), cacheDir: args.cache, signal, onEvent });
    if (args.json) for (const report of reports) io.print(JSON.stringify(describeDevice(report)));
    else if (reports.length === 0) io.note('No device is attached. Type: adb devices -l');
    else for (const line of formatTable([heading, ...reports.map(formatRow)])) io.print(line);
    return 0;
  },
});

const heading = ['SERIAL', 'STATE', 'MODEL', 'ABI', 'RELEASE', 'SOURCE', 'CACHED'];

function formatRow(report: DeviceReport): readonly string[] {
  const { serial, state, model, abi, release, cached } = report;
  return [
    serial,
    state,
    model ?? '-',
    abi ?? '-',
    release ?? '-',
    formatSource(report),
    cached ? cached.digest : 'no',
  ].map((cell) => printable(cell));
}

function formatSource({ source, needsRoot, error }: DeviceReport): string {
  if (error !== undefined) return (describeError(error) as { code: string }).code;
  if (source === undefined) return '-';
  return needsRoot === true ? `${source} (root)` : source;
}
