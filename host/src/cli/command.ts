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

/** Registers a command whose argument type nobody else needs to know. */
export type Registration = (
  parser: Argv<CommonArguments>,
  io: Io,
  done: (code: number) => void,
) => Argv<CommonArguments>;

export function registerCommand<A>(command: Command<A>): Registration {
  return (parser, io, done) =>
    parser.command({
      command: command.usage,
      describe: command.describe,
      builder: (inner: Argv<CommonArguments>) =>
        command
          .options(inner)
          .example(command.examples.map(([line, what]): [string, string] => [`kheaders ${line}`, what])),
      handler: async (args) => done(await command.run(args as unknown as A & CommonArguments, io)),
    });
}
