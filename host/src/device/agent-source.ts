import { type Message, archivePaths } from '@kheaders/shared';
import type { DeviceAddress } from '../adb/device-service.js';
import type { Context } from '../core/context.js';
import { KhError } from '../core/error.js';
import { type AgentLink, type AgentRequest, type AgentStart, inTime, openAgentLink } from './agent-link.js';
import { AgentFailure, AgentRefusal, type RefusedStep, asAgentError } from './agent-refusal.js';
import { makeRefusal } from './refusal.js';
import { type TransferHeader, checkHeader } from './transfer-header.js';
import type { TransferRequest } from './transfer-script.js';

/** How the helper is used in one session. */
export interface AgentRun extends AgentStart {
  /** It must be root, and is asked whether it is. */
  readonly asRoot: boolean;
  /** Who holds the module, for others to read. */
  readonly holder: string;
  /** How long a lost device may take to come back; 20 s where it is not given. */
  readonly returnMilliseconds?: number | undefined;
}

/** From where to read, and whether to hash the whole file. */
export interface ReadFrom {
  readonly offset: number;
  readonly digest: boolean;
}

/** An archive that the helper is sending. */
export interface AgentSource {
  readonly link: AgentLink;
  readonly header: TransferHeader;
  /** The id of the read, and the first message of its reply. */
  readonly read: number;
  readonly first: Message;
  /** The id of the release; undefined where nothing is leased. */
  readonly release: number | undefined;
}

/** Loading a 7 MB module from a slow phone's storage takes a second; others may hold us up a little. */
const answerMilliseconds = 60_000;

/**
 * Starts the helper and asks for everything at once: load, read, unload. Returns when the payload begins.
 * Errors: those of Session.openTransfer(); AgentFailure where the helper itself is at fault.
 */
export async function openAgentSource(
  address: DeviceAddress,
  run: AgentRun,
  { request, from }: { readonly request: TransferRequest; readonly from: ReadFrom },
  ctx: Context,
): Promise<AgentSource> {
  const plan = planRequests(request, run, from);
  const link = await openAgentLink(address, { ...run, channel: true }, plan, ctx);
  try {
    const work = (): Promise<AgentSource> => readHeader(link, plan, { request, serial: address.serial });
    return await inTime('silent', answerMilliseconds, work, ctx);
  } catch (error) {
    await link[Symbol.asyncDispose]();
    throw error;
  }
}

/** Stands for the process that asks: its owner is the user the helper runs as. */
const ownProcess = '/proc/self/';

/** What is sent, in order. The helper reads ahead of the link, so the module goes before its archive is all here. */
export function planRequests(
  request: TransferRequest,
  { asRoot, holder }: Pick<AgentRun, 'asRoot' | 'holder'>,
  from: ReadFrom,
): readonly AgentRequest[] {
  if (request.kind !== 'module') {
    const { path } = request;
    const whoAmI: readonly AgentRequest[] = asRoot ? [{ name: 'stat', body: { path: ownProcess } }] : [];
    return [...whoAmI, { name: 'stat', body: { path } }, { name: 'read', body: { path, ...from } }];
  }
  const { release, modules } = request;
  const lease = {
    module: 'kheaders',
    release,
    paths: modules,
    archives: archivePaths,
    parameters: '',
    holder,
    sole: false,
  };
  return [
    { name: 'lease', body: lease },
    { name: 'read', body: { path: '', ...from } },
    { name: 'release', body: {} },
  ];
}

interface Asked {
  readonly request: TransferRequest;
  readonly serial: string;
}

async function readHeader(link: AgentLink, plan: readonly AgentRequest[], asked: Asked): Promise<AgentSource> {
  const read = plan.findIndex(({ name }) => name === 'read') + 1;
  const release = plan.findIndex(({ name }) => name === 'release') + 1 || undefined;
  const step = asked.request.kind === 'module' ? 'load' : 'read';
  const header = await orRefused(readFacts(link, read, asked), step, asked.serial);
  const first = await orRefused(link.next(read), 'read', asked.serial);
  return { link, header, read, first, release };
}

async function orRefused<T>(work: Promise<T>, step: RefusedStep, serial: string): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof AgentRefusal ? asAgentError(error, step, serial) : error;
  }
}

/** The replies before the read's. */
async function readFacts(link: AgentLink, read: number, { request, serial }: Asked): Promise<TransferHeader> {
  if (request.kind === 'module') {
    const { path, archive, size, ours, before } = await link.reply(1, 'leased');
    if (path !== '' && !request.modules.includes(path)) throw strange(path);
    if (!archivePaths.some((known) => known === archive)) throw strange(archive);
    return checkHeader({ path: path === '' ? archive : path, size, loaded: ours, before });
  }
  if (read > 2) {
    const { uid } = await link.reply(1, 'fileInfo');
    if (uid !== 0) throw makeRefusal('root', { serial, output: `uid ${uid}` });
  }
  const { size } = await link.reply(read - 1, 'fileInfo');
  return checkHeader({ path: request.path, size, loaded: false, before: [] });
}

function strange(path: string): KhError {
  return new KhError('device-failed', 'The device reports a path it was not asked for', { actual: path.slice(0, 200) });
}

/** True for what may be over when the helper is asked anew: its process, its daemon or the connection was lost. */
export function isLost(error: unknown): boolean {
  if (error instanceof AgentFailure) return error.trouble === 'ended';
  if (error instanceof AgentRefusal) return ['daemon', 'internal', 'cancelled'].includes(error.body.code);
  return error instanceof KhError && error.code === 'device-lost';
}
