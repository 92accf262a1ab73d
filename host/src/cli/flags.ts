/** The flags that decide how anything is shown; needed before, and even if, the command line can be parsed. */
export interface Flags {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly color: boolean;
}

export function flagsOf(argv: readonly string[]): Flags {
  const own = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv;
  return {
    json: own.includes('--json'),
    quiet: own.includes('--quiet') || own.includes('-q'),
    verbose: own.includes('--verbose') || own.includes('-v'),
    color: !own.includes('--no-color'),
  };
}
