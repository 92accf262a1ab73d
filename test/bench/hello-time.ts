import { makeAdbServer } from '../../host/src/adb/server-connection.js';
import { runShell } from '../../host/src/adb/shell.js';
import { makeContext } from '../../host/src/core/context.js';
import { agentFolders } from '../../shared/src/places.js';
import { findAgents } from '../../host/src/device/agent-files.js';
import { openAgentLink } from '../../host/src/device/agent-link.js';
import { median } from './measure.js';

export interface HelloTime {
  /** Median milliseconds from asking adb to the helper's hello, as the shell's user. */
  readonly hello: number;
  /** Median milliseconds of `true` in the same place. */
  readonly nothing: number;
}

/** Starts the installed helper and nothing else, in turn with a command that does nothing. */
export async function measureHello(port: number, serial: string, abi: string, rounds: number): Promise<HelloTime> {
  const address = { server: makeAdbServer({ kind: 'tcp', host: '127.0.0.1', port }, {}), serial };
  const ctx = makeContext();
  const agents = findAgents(undefined);
  const file = agents?.files.find((candidate) => candidate.abi === abi);
  if (agents === undefined || file === undefined) throw new Error('there is no helper for this phone');
  const start = { path: `${agentFolders[0]}/${file.name}`, build: agents.build, wrap: (script: string) => script };
  const hello: number[] = [];
  const nothing: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    nothing.push(await timed(() => runShell(address, 'true', ctx)));
    hello.push(
      await timed(async () => {
        const link = await openAgentLink(address, start, [], ctx);
        await link[Symbol.asyncDispose]();
      }),
    );
  }
  return { hello: median(hello), nothing: median(nothing) };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
