import type { TestContext } from 'node:test';
import { makeAdbServer } from '../../../../../host/src/adb/server-connection.js';
import { type Context, makeContext } from '../../../../../host/src/core/context.js';
import type { Event } from '../../../../../host/src/core/events.js';
import { type AgentFiles, findAgents, listAgentPaths } from '../../../../../host/src/device/agent-files.js';
import { openAgentSession } from '../../../../../host/src/device/agent-session.js';
import type { RootPolicy } from '../../../../../host/src/device/root.js';
import type { Session } from '../../../../../host/src/device/session.js';
import {
  type PhoneScript,
  archive,
  livePath,
  modulePath,
  phone,
  release,
} from '../../../../fault/support/phone-script.js';
import { type ShellHandler, startScriptedServer } from '../../../../support/adb-server-script.js';
import { type AgentPeer, type AgentScript, runAgent, writeAgentFolder } from '../../../../support/agent-script.js';
import { temporaryDirectory } from '../../../../support/temp.js';

export const live = { kind: 'live', path: livePath } as const;
export const module = { kind: 'module', release, modules: [modulePath] } as const;

async function makeAgents(t: TestContext, abi?: string): Promise<AgentFiles> {
  const folder = await temporaryDirectory(t);
  await writeAgentFolder(folder, abi);
  return findAgents(folder)!;
}

export interface Case {
  /** `false`: it is not installed yet. */
  readonly installed?: boolean;
  readonly agent?: Partial<AgentScript>;
  readonly root?: RootPolicy;
  readonly abi?: string;
  readonly agents?: AgentFiles;
}

export interface Opened {
  readonly session: Session;
  readonly ctx: Context;
  /** The helpers that were started, in their order. */
  readonly peers: readonly AgentPeer[];
  /** Commands and services, as short words. */
  asked(): readonly string[];
  warnings(): readonly string[];
}

/** A session with a scripted phone, whose helper is `agent`. */
export async function open(
  t: TestContext,
  phoneScript: PhoneScript,
  { installed = true, agent, root = 'auto', abi, agents: given }: Case,
): Promise<Opened> {
  const agents = given ?? (await makeAgents(t, abi));
  const peers: AgentPeer[] = [];
  const onAgent: ShellHandler = (shell) => void peers.push(runAgent(shell, { archive, ...agent }));
  const probe = { ...(installed ? { agent: [listAgentPaths(agents)[0]!] } : {}), ...phoneScript.probe };
  const scripted = await startScriptedServer(t, { devices: [phone({ onAgent, ...phoneScript, probe })] });
  const server = makeAdbServer({ kind: 'tcp', host: '127.0.0.1', port: scripted.port }, {});
  const events: Event[] = [];
  const ctx = makeContext({ onEvent: (event) => events.push(event) });
  const session = openAgentSession({ server, serial: 'PHONE1', transportId: '1' }, { root, agents }, ctx);
  return {
    session,
    ctx,
    peers,
    asked: () => scripted.requests.filter((request) => !request.startsWith('host:')).map(nameRequest),
    warnings: () => events.flatMap((event) => (event.kind === 'warning' ? [event.message] : [])),
  };
}

function nameRequest(request: string): string {
  const su = /^shell,v2,raw:(su -c |su 0 )/.exec(request)?.[1] ?? '';
  const words = ['kheaders-probe', 'kheaders-transfer', '--stdio', '--version', 'abilist', 'id -u', 'sync:'];
  return `${su}${words.find((word) => request.includes(word)) ?? request}`;
}

export async function readAll(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks = [];
  for await (const chunk of source) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
