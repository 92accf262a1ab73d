import yargs from 'yargs';
import { KhError } from '../core/error.js';
import { tool } from '../core/tool.js';
import { cacheCommand } from './commands/cache.js';
import { devicesCommand } from './commands/devices.js';
import { exportCommand } from './commands/export.js';
import { importCommand } from './commands/import.js';
import { listCommand } from './commands/list.js';
import { pathCommand } from './commands/path.js';
import { pruneCommand } from './commands/prune.js';
import { pullCommand } from './commands/pull.js';
import { removeCommand } from './commands/remove.js';
import { showCommand } from './commands/show.js';
import { verifyCommand } from './commands/verify.js';
import type { Io } from './io.js';

const commands = [
  pullCommand,
  devicesCommand,
  pathCommand,
  listCommand,
  showCommand,
  verifyCommand,
  removeCommand,
  pruneCommand,
  cacheCommand,
  importCommand,
  exportCommand,
];

/** Parses one command line and runs its command. Returns the exit code; errors are thrown, `usage` among them. */
export async function runCommandLine(argv: readonly string[], io: Io): Promise<number> {
  let code = 0;
  let parser = yargs([...argv])
    .scriptName('kheaders')
    .usage('$0 <command>\n\nThe kernel headers of the attached Android phone, in a versioned cache.')
    .option('json', { type: 'boolean', default: false, global: true, describe: 'One JSON object a line on stdout' })
    .option('quiet', {
      alias: 'q',
      type: 'boolean',
      default: false,
      global: true,
      describe: 'No progress, few warnings',
    })
    .option('verbose', {
      alias: 'v',
      type: 'boolean',
      default: false,
      global: true,
      describe: 'Show steps, adb services and commands',
    })
    .option('color', { type: 'boolean', default: true, global: true, describe: 'Colours on a terminal' })
    .option('cache', {
      type: 'string',
      requiresArg: true,
      global: true,
      describe: 'Folder of the cache [default: $KHEADERS_CACHE, ~/.cache/kheaders]',
    });
  for (const register of commands) parser = register(parser, io, (result) => (code = result)) as typeof parser;
  await parser
    .completion('completion', 'Print a completion script for bash or zsh')
    .strict()
    .demandCommand(1, 'Name a command')
    .version(tool.version)
    .help()
    .alias({ help: 'h', version: 'V' })
    .epilogue('Exit codes and the JSON form: docs/exit-codes.md and docs/json.md in the package.')
    .wrap(Math.min(io.width ?? 100, 110))
    .exitProcess(false)
    .fail((message, error) => {
      // yargs has a message for what is wrong with the command line, and none for what a command throws.
      throw message ? new KhError('usage', message) : error;
    })
    .parseAsync();
  return code;
}
