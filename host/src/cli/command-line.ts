import yargs, { type Argv } from 'yargs';
import { KhError } from '../core/error.js';
import { tool } from '../core/tool.js';
import type { CommonArguments, RegisteredCommand } from './command.js';
import { agentCommand } from './commands/agent.js';
import { buildCommand } from './commands/build.js';
import { btfCommand } from './commands/btf.js';
import { cacheCommand } from './commands/cache.js';
import { cflagsCommand } from './commands/cflags.js';
import { checkCommand } from './commands/check.js';
import { devicesCommand } from './commands/devices.js';
import { diffCommand } from './commands/diff.js';
import { envCommand } from './commands/env.js';
import { exportCommand } from './commands/export.js';
import { importCommand } from './commands/import.js';
import { kdirCommand } from './commands/kdir.js';
import { listCommand } from './commands/list.js';
import { pathCommand } from './commands/path.js';
import { pruneCommand } from './commands/prune.js';
import { pullCommand } from './commands/pull.js';
import { removeCommand } from './commands/remove.js';
import { runCommand } from './commands/run.js';
import { showCommand } from './commands/show.js';
import { verifyCommand } from './commands/verify.js';
import type { Io } from './io.js';

const heading =
  'kheaders <command> [options]\n\nThe kernel headers of the attached Android phone, in a versioned cache.';

const commands: readonly RegisteredCommand[] = [
  pullCommand,
  devicesCommand,
  agentCommand,
  pathCommand,
  listCommand,
  showCommand,
  verifyCommand,
  removeCommand,
  pruneCommand,
  cacheCommand,
  importCommand,
  exportCommand,
  kdirCommand,
  buildCommand,
  diffCommand,
  envCommand,
  cflagsCommand,
  btfCommand,
  checkCommand,
  runCommand,
];

/**
 * Parses one command line and runs its command. Returns the exit code; errors are thrown, `usage` among them.
 *
 * Before it runs a named command yargs lays out the whole help text, 25 ms of a warm pull; before a default one it does
 * not. So a line that begins with a command's name gets a parser in which that command is the default.
 */
export async function runCommandLine(argv: readonly string[], io: Io): Promise<number> {
  const alone = commands.find(({ name }) => name === argv[0]);
  let run: () => Promise<number> = () => Promise.resolve(0);
  const chosen = (given: () => Promise<number>): void => void (run = given);
  let parser = makeParser(alone === undefined ? argv : argv.slice(1), alone, io);
  for (const command of alone === undefined ? commands : [alone]) {
    parser = command.register(parser, io, chosen, alone !== undefined);
  }
  if (alone === undefined)
    parser.demandCommand(1, 'Name a command').completion('completion', 'Print a completion script for bash or zsh');
  void parser.parse();
  return run();
}

function makeParser(argv: readonly string[], command: RegisteredCommand | undefined, io: Io): Argv<CommonArguments> {
  return yargs([...argv])
    .scriptName('kheaders')
    .usage(command?.heading ?? heading)
    .option('json', { type: 'boolean', default: false, describe: 'One JSON object a line on stdout' })
    .option('quiet', { alias: 'q', type: 'boolean', default: false, describe: 'No progress, few warnings' })
    .option('verbose', {
      alias: 'v',
      type: 'boolean',
      default: false,
      describe: 'Show steps, adb services and commands',
    })
    .option('color', { type: 'boolean', default: true, describe: 'Colours on a terminal' })
    .option('cache', {
      type: 'string',
      requiresArg: true,
      describe: 'Folder of the cache [default: $KHEADERS_CACHE, ~/.cache/kheaders]',
    })
    .strict()
    .check(assertOnce)
    .version(tool.version)
    .help()
    .alias({ help: 'h', version: 'V' })
    .epilogue('Exit codes and the JSON form: docs/exit-codes.md and docs/json.md of the project.')
    .wrap(Math.min(io.width ?? 100, 110))
    .exitProcess(false)
    .fail((message, error) => {
      // yargs has a message for what is wrong with the command line, and none for what a command throws.
      throw message ? new KhError('usage', message) : error;
    });
}

/** yargs makes a list of an option given twice; where one value is expected, neither of the two is surely meant. */
function assertOnce(args: Readonly<Record<string, unknown>>): true {
  for (const [name, value] of Object.entries(args)) {
    if (!Array.isArray(value) || name.length === 1 || ['names', 'source', 'parameters'].includes(name)) continue;
    throw new KhError('usage', `--${name} can be given only once`);
  }
  return true;
}
