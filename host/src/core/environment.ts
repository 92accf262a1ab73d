import { homedir } from 'node:os';
import { env, platform } from 'node:process';

/** What the library takes from the machine where its caller gave nothing: read here, once a call, and passed on. */
export interface Environment {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** As `process.platform` has it. */
  readonly platform: string;
  readonly homedir: string;
}

export function readEnvironment(): Environment {
  return { env, platform, homedir: homedir() };
}
