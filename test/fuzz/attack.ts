import type { AttackKind } from '../support/mutate.js';

/** How often an agent is attacked in each way. */
export const attackRounds: Readonly<Record<AttackKind, number>> = {
  mutated: 10_000,
  random: 500,
  truncated: 500,
  length: 500,
  full: 50,
};
/** The id of a first ping: beyond those of the frames that are mutated, whose answers come as well. */
export const firstPing = 0x7eed_0000;
/** KiB that an agent may grow. */
export const growthLimit = 8 * 1024;

/** What attacks came to. */
export interface AttackTally {
  attacks: number;
  /** Agents that were started. */
  processes: number;
  /** Pings answered after an attack. */
  pongs: number;
  /** How often agents ended with each code. */
  ends: Record<string, number>;
}

/** What attacks on the host's end of a link came to. */
export interface LinkTally {
  messages: number;
  refusals: number;
  failures: number;
  /** Bytes in use, every 600 attacks. */
  memory: number[];
}
