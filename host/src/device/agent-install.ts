import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { agentFolders } from '@kheaders/shared';
import type { DeviceAddress } from '../adb/device-service.js';
import { pushFile } from '../adb/push.js';
import { runShell } from '../adb/shell.js';
import { type Context, withDeadline } from '../core/context.js';
import { isKhError } from '../core/error.js';
import type { AgentFile, AgentFiles } from './agent-files.js';
import { abiScript, formatInstallScript, parseAbis, parseInstallReport, pushPrefix } from './agent-install-script.js';
import { AgentFailure } from './agent-refusal.js';

/** Half a megabyte over the slowest cable; then a program that only prints its version. */
const pushMilliseconds = 60_000;
const tryMilliseconds = 20_000;

/**
 * Puts the helper for this phone's ABI into the first folder that lets it run, and returns its path. Needs no root.
 * Errors: AgentFailure `missing` with all reasons; errors of the connection.
 */
export async function installAgent(address: DeviceAddress, agents: AgentFiles, ctx: Context): Promise<string> {
  ctx.report({ kind: 'step', step: 'install' });
  const file = await chooseFile(address, agents, ctx);
  const bytes = await readAgent(agents, file);
  const reasons: string[] = [];
  for (const folder of agentFolders) {
    const reason = await installInto(address, folder, { ...file, bytes, build: agents.build }, ctx);
    if (reason === undefined) {
      ctx.report({ kind: 'step', step: 'install', detail: `${folder}/${file.name}` });
      return `${folder}/${file.name}`;
    }
    reasons.push(`${folder}: ${reason}`);
  }
  throw new AgentFailure('missing', `it cannot be installed (${reasons.join('; ')})`);
}

async function chooseFile(address: DeviceAddress, agents: AgentFiles, ctx: Context): Promise<AgentFile> {
  const abis = parseAbis((await runShell(address, abiScript, ctx)).stdout);
  for (const abi of abis) {
    const file = agents.files.find((candidate) => candidate.abi === abi);
    if (file !== undefined) return file;
  }
  const shipped = agents.files.map(({ abi }) => abi).join(', ');
  throw new AgentFailure(
    'missing',
    `there is none for this phone (${abis.join(', ') || 'unknown ABI'}; only ${shipped})`,
  );
}

async function readAgent(agents: AgentFiles, { abi, sha256 }: AgentFile): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(join(agents.folder(), abi));
  } catch (error) {
    throw new AgentFailure('missing', `its file for ${abi} cannot be read on this host`, error);
  }
  if (createHash('sha256').update(bytes).digest('hex') === sha256) return bytes;
  throw new AgentFailure('missing', `its file for ${abi} is damaged on this host`);
}

interface Pushed {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly build: string;
}

/** Undefined if the helper runs from there now, else why not. */
async function installInto(
  address: DeviceAddress,
  folder: string,
  { name, bytes, build }: Pushed,
  ctx: Context,
): Promise<string | undefined> {
  const pushed = `${folder}/${pushPrefix}${randomBytes(8).toString('hex')}`;
  try {
    using pushing = withDeadline(ctx, pushMilliseconds, 'pushing the helper');
    await pushFile(address, { path: pushed, bytes, mode: 0o755 }, pushing);
    using trying = withDeadline(ctx, tryMilliseconds, 'trying the helper');
    const { stdout } = await runShell(address, formatInstallScript(pushed, `${folder}/${name}`, folder), trying);
    return judge(stdout, build);
  } catch (error) {
    const known = isKhError(error, 'device-failed') || (isKhError(error, 'timeout') && !ctx.signal.aborted);
    if (!known) throw error;
    return (error.details.output ?? error.message).trim().slice(0, 200);
  }
}

function judge(output: string, build: string): string | undefined {
  const { code, version } = parseInstallReport(output);
  if (code === 0 && version === build) return undefined;
  if (code === 0) return `it says it is build ${version.slice(0, 40)}, not ${build}`;
  const said = (version.split('\n')[0] ?? '').slice(0, 200);
  return code === undefined ? said || 'it was not put in place' : `exit code ${code}${said === '' ? '' : `, ${said}`}`;
}
