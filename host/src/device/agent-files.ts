import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { agentFolders, agentPrefix } from '@kheaders/shared';

/** Put in by the build: the content of agents.json as it was then, or null. Absent when the sources run as they are. */
declare const KHEADERS_AGENTS: unknown;

/** The helper program for one kind of phone. */
export interface AgentFile {
  /** As `ro.product.cpu.abilist` has it. */
  readonly abi: string;
  readonly sha256: string;
  readonly size: number;
  /** Its name on a phone: another content has another name. */
  readonly name: string;
}

/** The helper programs this package ships. */
export interface AgentFiles {
  /** What host and agent both must say in hello. */
  readonly build: string;
  /** The one for the newest phones first. */
  readonly files: readonly AgentFile[];
  /** Finds the folder of the files on this host, each named by its ABI: asked for only where one is pushed. */
  readonly folder: () => string;
}

/**
 * The agents there are; undefined where this package was built without. `folder` holds an agents.json and is taken in
 * place of the package's own.
 */
export function findAgents(folder: string | undefined): AgentFiles | undefined {
  if (folder !== undefined && folder !== '') return readAgents(folder);
  if (typeof KHEADERS_AGENTS !== 'undefined') return parseAgents(KHEADERS_AGENTS, packageFolder);
  return readAgents(fileURLToPath(new URL('../../../device-agent/dist/', import.meta.url)));
}

/** A bundled file may be in dist or in dist/chunks: the package finds itself by its name. */
function packageFolder(): string {
  return join(dirname(createRequire(import.meta.url).resolve('kheaders/package.json')), 'dist/agent');
}

function readAgents(folder: string): AgentFiles | undefined {
  try {
    return parseAgents(JSON.parse(readFileSync(join(folder, 'agents.json'), 'utf8')), () => folder);
  } catch {
    return undefined;
  }
}

const abiForm = /^[a-z0-9_-]{1,32}$/;
const orderOfAbis = ['arm64-v8a', 'x86_64', 'armeabi-v7a'];

/** agents.json as scripts/build-agent writes it; undefined for anything else. */
export function parseAgents(json: unknown, folder: () => string): AgentFiles | undefined {
  if (!isObject(json) || typeof json['build'] !== 'string' || !isObject(json['agents'])) return undefined;
  const files = Object.entries(json['agents']).flatMap(([abi, entry]) => parseAgent(abi, entry));
  const rank = ({ abi }: AgentFile): number => orderOfAbis.indexOf(abi) + 1 || orderOfAbis.length + 1;
  files.sort((a, b) => rank(a) - rank(b));
  return files.length === 0 ? undefined : { build: json['build'], files, folder };
}

function parseAgent(abi: string, entry: unknown): AgentFile[] {
  if (!isObject(entry) || !abiForm.test(abi)) return [];
  const { sha256, size } = entry;
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256) || typeof size !== 'number') return [];
  return [{ abi, sha256, size, name: `${agentPrefix}${abi}-${sha256.slice(0, 16)}` }];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** Where on a phone these files may be, the likeliest place first. */
export function listAgentPaths(agents: AgentFiles | undefined): readonly string[] {
  return agentFolders.flatMap((folder) => (agents?.files ?? []).map(({ name }) => `${folder}/${name}`));
}
