import type { Argv } from 'yargs';
import type { Io } from './io.js';

/** Options every command takes. */
export interface CommonArguments {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly cache?: string | undefined;
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
  /** Adds the command to a parser of all; `alone` makes it the parser's default, without its name. */
  readonly register: (parser: Argv<CommonArguments>, io: Io, chosen: Chosen, alone: boolean) => Argv<CommonArguments>;
}

export function registerCommand<A>(command: Command<A>): RegisteredCommand {
  const [name = '', ...positionals] = command.usage.split(' ');
  return {
    name,
    heading: `${['kheaders', command.usage, '[options]'].join(' ')}\n\n${command.describe}`,
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
