import {
  type AgentDaemon,
  type AgentOptions,
  type AgentStatus,
  agentInstall,
  agentStatus,
  agentStop,
  agentUninstall,
} from '../../keeping.js';
import { type RootPolicy } from '../../pulling.js';
import { printable } from '../../core/printable.js';
import { registerCommand } from '../command.js';
import { type DeviceArguments, addDeviceOptions, selectorOf, serverOf } from '../device-options.js';
import { formatBytes, formatTable } from '../format.js';
import type { Io } from '../io.js';

const actions = ['status', 'stop', 'install', 'uninstall'] as const;
type Action = (typeof actions)[number];

interface Arguments extends DeviceArguments {
  readonly action: Action;
  readonly root?: RootPolicy | undefined;
}

export const agentCommand = registerCommand<Arguments>({
  usage: 'agent <action>',
  describe: 'The helper program on the phone: status, stop, install, uninstall',
  examples: [
    ['agent status', 'Its file, its processes, and who holds a module'],
    ['agent uninstall -s 0123456789ABCDEF', 'Ends it and removes its files'],
  ],
  options: (parser) =>
    addDeviceOptions(parser)
      .positional('action', { choices: actions, demandOption: true, describe: 'What to do' })
      .option('root', {
        choices: ['auto', 'su', 'adb', 'none'] as const,
        describe: 'How to become root [default: auto; only adb restarts adbd]',
      }),
  run(args, io) {
    const { signal, onEvent } = io;
    const options = { adb: serverOf(args), device: selectorOf(args), root: args.root, signal, onEvent };
    return runners[args.action](options, args.json, io);
  },
});

type Runner = (options: AgentOptions, json: boolean, io: Io) => Promise<number>;

const runners: Readonly<Record<Action, Runner>> = {
  async status(options, json, io) {
    const status = await agentStatus(options);
    if (json) io.print(JSON.stringify(describeStatus(status)));
    else for (const line of formatTable(rowsOf(status))) io.print(line);
    return 0;
  },
  async stop(options, json, io) {
    const { stopped, ...status } = await agentStop(options);
    if (json) io.print(JSON.stringify({ ...describeStatus(status), stopped }));
    else if (stopped) io.print('not running');
    else {
      for (const line of formatTable(rowsOf(status))) io.print(line);
      io.note('It is in use, and ends by itself when nobody uses it any more.');
    }
    return 0;
  },
  async install(options, json, io) {
    const { serial, path, pushed } = await agentInstall(options);
    io.print(json ? JSON.stringify({ ok: true, serial, path, pushed }) : path);
    return 0;
  },
  async uninstall(options, json, io) {
    const { serial, removed, left, stopped } = await agentUninstall(options);
    if (json) io.print(JSON.stringify({ ok: true, serial, removed, left, stopped }));
    else {
      for (const path of removed) io.print(`removed\t${path}`);
      for (const path of left) io.note(`Could not be removed: ${path}`);
      if (!stopped) io.note('It still runs, and ends by itself when nobody uses it.');
    }
    return 0;
  },
};

/** docs/json.md is the schema. */
function describeStatus({ serial, model, installed, others, running, daemon }: AgentStatus): object {
  return { ok: true, serial, model, installed: installed ?? null, others, running, daemon: daemon ?? null };
}

function rowsOf(status: AgentStatus): readonly (readonly string[])[] {
  const { serial, installed, others, running, daemon } = status;
  const rows: readonly (readonly [string, string])[] = [
    ['device', serial],
    ['installed', installed === undefined ? 'no' : `${installed.path} (build ${installed.build})`],
    ...others.map((path): [string, string] => ['other version', path]),
    ['running', running === undefined ? 'unknown' : running ? formatDaemon(daemon) : 'no'],
    ...(daemon?.modules ?? []).map((name): [string, string] => ['loaded', name]),
    ...(daemon?.leases ?? []).map(({ module, holder, pid, milliseconds }): [string, string] => [
      'lease',
      `${module}, held by ${holder} for ${formatSeconds(milliseconds)} (process ${pid})`,
    ]),
  ];
  return rows.map(([name, value]) => [name, printable(value)]);
}

function formatDaemon(daemon: AgentDaemon | undefined): string {
  if (daemon === undefined) return 'yes (asking it needs root, and the helper of this version)';
  const { pid, guard, memory, milliseconds, build, detached } = daemon;
  const parts = [
    `process ${pid}, guard ${guard === 0 ? 'none' : guard}`,
    formatBytes(memory),
    `for ${formatSeconds(milliseconds)}`,
    `build ${build}`,
    detached ? 'outlives adbd' : 'ends with adbd',
  ];
  return parts.join(', ');
}

function formatSeconds(milliseconds: number): string {
  return `${Math.round(milliseconds / 100) / 10} s`;
}
