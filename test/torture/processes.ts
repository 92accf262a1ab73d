import type { AdbServer } from '../phone/adb-server.js';
import type { Phone } from '../phone/phone.js';

/** Names of the agent's processes in /proc/PID/comm, which has 15 characters of a name. */
export const roles = { stdio: 'kheaders-agent-', daemon: 'kheaders-daemon', guard: 'kheaders-guard' } as const;

export type Role = keyof typeof roles;

/** With the shell's own means: starting programs would take long enough to miss what is looked for. */
const loop = (action: string): string =>
  `for p in /proc/[0-9]*; do c=; read -r c <$p/comm; ${action}; done 2>/dev/null`;

/** Every process of ours on the phone: `name pid`. */
export async function listAgents(server: AdbServer, phone: Phone): Promise<readonly string[]> {
  const { stdout } = await phone.root(server, loop('case $c in kheaders-*) echo "$c ${p#/proc/}";; esac'));
  return stdout.split('\n').filter((line) => line.trim() !== '');
}

/**
 * Ends one process of a role with SIGKILL; how many there were, 0 or 1. Not all of them: a guard that has just become the
 * daemon would be met as well, and both together are more than they stand for.
 */
export async function killRole(server: AdbServer, phone: Phone, role: Role): Promise<number> {
  const kill = `case $c in ${roles[role]}) kill -9 \${p#/proc/} && echo hit && break;; esac`;
  const { stdout } = await phone.root(server, loop(kill));
  return stdout.split('\n').filter((line) => line.trim() === 'hit').length;
}
