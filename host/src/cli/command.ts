import type { Argv } from 'yargs';
import type { Io } from './io.js';
import { parsePlainLine } from './plain-line.js';

/** Options every command takes. */
export interface CommonArguments {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly cache?: string | undefined;
}

/** Adds the options every command takes. */
export function addCommonOptions<T>(parser: Argv<T>): Argv<T & CommonArguments> {
  return parser
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
    });
}

/** One command of the CLI: how it is called, what it takes, what it does. */
export interface Command<A> {
  /** As yargs takes it: `show [name]`. */
  readonly usage: string;
  readonly describe: string;
  readonly examples: readonly (readonly [command: string, what: string])[];
  readonly options: (parser: Argv<CommonArguments>) => Argv<A>;
  /** Returns the exit code. */
  readonly run: (args: A & CommonArguments, io: Io) => Promise<number>;
}

/** Takes over how to run the command that was called. */
export type Chosen = (run: () => Promise<number>) => void;

/** A command as the command line knows it. */
export interface RegisteredCommand {
  readonly name: string;
  /** What yargs prints above the options of this command alone. */
  readonly heading: string;
  /** Declares what the command takes. */
  readonly options: (parser: Argv<CommonArguments>) => unknown;
  /** How to run the command, if the words behind its name are a plain line; undefined: register() is needed. */
  readonly choosePlain: (words: readonly string[], io: Io) => (() => Promise<number>) | undefined;
  /** Adds the command to a parser of all; `alone` makes it the parser's default, without its name. */
  readonly register: (parser: Argv<CommonArguments>, io: Io, chosen: Chosen, alone: boolean) => Argv<CommonArguments>;
}

export function registerCommand<A>(command: Command<A>): RegisteredCommand {
  const [name = '', ...positionals] = command.usage.split(' ');
  return {
    name,
    heading: `${['kheaders', command.usage, '[options]'].join(' ')}\n\n${command.describe}`,
    options: command.options,
    choosePlain(words, io) {
      const args = parsePlainLine(words, (parser) => command.options(addCommonOptions(parser)));
      return args && (() => command.run(args as unknown as A & CommonArguments, io));
    },
    register: (parser, io, chosen, alone) =>
      parser.command({
        command: [alone ? '$0' : name, ...positionals].join(' '),
        describe: command.describe,
        builder: (inner: Argv<CommonArguments>) =>
          command
            .options(inner)
            .example(command.examples.map(([line, what]): [string, string] => [`kheaders ${line}`, what])),
        handler: (args) => {
          chosen(() => command.run(args as unknown as A & CommonArguments, io));
        },
      }),
  };
}
