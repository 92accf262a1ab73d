import type { TestContext } from 'node:test';
import type { AgentProcess } from '../../support/agent-process.js';

/** The agent of an ABI, as the tests of the contract see it. */
export interface Subject {
  /** How to start it on this machine. */
  readonly command: readonly string[];
  /** It needs no emulator here. */
  readonly isOwn: boolean;
  readonly build: string;
  /** One that has said hello. */
  greeted(t: TestContext): Promise<AgentProcess>;
}
