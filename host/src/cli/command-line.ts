import type { Argv } from 'yargs';
import { KhError } from '../core/error.js';
import { tool } from '../core/tool.js';
import { type CommonArguments, type RegisteredCommand, addCommonOptions } from './command.js';
import { findCommand, loadCommands } from './commands.js';
import type { Io } from './io.js';

const heading =
  'kheaders <command> [options]\n\nThe kernel headers of the attached Android phone, in a versioned cache.';

/**
 * Parses one command line and runs its command. Returns the exit code; errors are thrown, `usage` among them.
 *
 * A plain line (see parsePlainLine()) goes without yargs. For the others: before it runs a named command yargs lays out the
 * whole help text, 25 ms; before a default one it does not. So a line that begins with a command's name gets a parser in
 * which that command is the default.
 */
export async function runCommandLine(argv: readonly string[], io: Io): Promise<number> {
  const alone = await findCommand(argv[0]);
  const plain = alone?.choosePlain(argv.slice(1), io);
  if (plain !== undefined) return plain();
  let run: () => Promise<number> = () => Promise.resolve(0);
  const chosen = (given: () => Promise<number>): void => void (run = given);
  let parser = await makeParser(alone === undefined ? argv : argv.slice(1), alone, io);
  for (const command of alone === undefined ? await loadCommands() : [alone]) {
    parser = command.register(parser, io, chosen, alone !== undefined);
  }
  if (alone === undefined)
    parser.demandCommand(1, 'Name a command').completion('completion', 'Print a completion script for bash or zsh');
  void parser.parse();
  return run();
}

async function makeParser(
  argv: readonly string[],
  command: RegisteredCommand | undefined,
  io: Io,
): Promise<Argv<CommonArguments>> {
  const { default: yargs } = await import('yargs');
  const parser = yargs([...argv])
    .scriptName('kheaders')
    .usage(command?.heading ?? heading);
  return addCommonOptions(parser)
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
