import { homedir, hostname, userInfo } from 'node:os';
import { env, pid, platform } from 'node:process';

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

/** Who is asking, for other hosts at the same phone to read: `user@host pid N`, printable ASCII, at most 100 characters. */
export function describeCaller(): string {
  const plain = (text: string): string => text.replaceAll(/[^\x21-\x7e]/g, '?').slice(0, 40);
  return `${plain(findUser())}@${plain(hostname())} pid ${pid}`;
}

/** A user without an entry in the password file has no name. */
function findUser(): string {
  try {
    return userInfo().username;
  } catch {
    return env['USER'] ?? 'unknown';
  }
}
