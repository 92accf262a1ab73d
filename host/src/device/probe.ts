import { type BootIdentity, type KernelIdentity, archivePaths, moduleRoots, parseProcVersion } from '@kheaders/shared';
import { KhError } from '../core/error.js';
import { printable } from '../core/printable.js';
import { probeEnd, probeMagic, probeMiddle } from './probe-script.js';

/** A file on the phone, and whether the plain adb shell may read it. */
export interface DeviceFile {
  readonly path: string;
  readonly readable: boolean;
}

/** What a phone knows of itself without starting a program: enough to plan by. */
export interface Sighting {
  /** From /proc/version; passes isRelease(). */
  readonly release: string;
  /** uid of the plain adb shell: 2000, or 0 where adbd runs as root. */
  readonly uid: number;
  /** Archives that are there without our doing: the feature is built in, or somebody loaded the module. */
  readonly live: readonly DeviceFile[];
  /** Copies of kheaders.ko, the most trustworthy first. */
  readonly modules: readonly DeviceFile[];
  /** True if a module named kheaders is loaded. */
  readonly loaded: boolean;
  /** True if there is a program named su. */
  readonly su: boolean;
  /** Our helper, where it is installed; one of the paths that were asked for. */
  readonly agent?: string;
}

/** What a phone says about itself before anything is done to it. */
export interface Probe extends Sighting {
  readonly identity: KernelIdentity;
  /** `ro.product.cpu.abi`, e.g. `arm64-v8a`. */
  readonly abi?: string;
  /** CONFIG_IKHEADERS as /proc/config.gz has it; only asked for where neither archive nor module was found. */
  readonly configLine?: string;
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The boot in the first lines of a probe's output: null while they are not all there, undefined where the phone does not
 * tell its boot id.
 */
export function parseBoot(output: string): BootIdentity | null | undefined {
  const lines = splitLines(output);
  const start = lines.indexOf(probeMagic);
  // The last line may be cut off; each complete one is followed by another.
  if (start < 0 || lines.length < start + 4) return null;
  const [version, boot] = lines.slice(start + 1, start + 3).map(splitFact);
  const release = parseProcVersion(version?.value ?? '');
  if (release === undefined || boot?.key !== 'boot' || !uuid.test(boot.value)) return undefined;
  return { bootId: boot.value, procVersion: (version?.value ?? '').slice(0, 512), release };
}

function splitLines(output: string): readonly string[] {
  return output.split('\n').map((line) => line.replace(/\r$/, ''));
}

/**
 * Parses the output of the probe script. Every value is the phone's and is validated here: the release by isRelease(),
 * paths by their known places, digests by form; free text is made printable and cut.
 * Errors: `device-failed` where the output is not a probe's or names no kernel.
 */
export function parseProbe(output: string, agentPaths: readonly string[] = []): Probe {
  const lines = splitLines(output);
  const start = lines.indexOf(probeMagic);
  const end = lines.indexOf(probeEnd);
  if (start < 0 || end < start) {
    throw new KhError('device-failed', 'The device did not answer the probe', { output: output.slice(0, 1000) });
  }
  const { all, one } = readFacts(lines.slice(start + 1, end));
  const configLine = parseConfigLine(one('config'));
  return {
    ...readSighting({ all, one }, agentPaths),
    identity: parseIdentity(one('version'), one('machine'), lines.slice(start, end), one('fingerprint'), one('vbmeta')),
    ...(/^[A-Za-z0-9_-]{1,32}$/.test(one('abi')) ? { abi: one('abi') } : {}),
    ...(configLine === undefined ? {} : { configLine }),
  };
}

/** The first part of a probe's output; undefined while it is not all there. Errors: as parseProbe(). */
export function parseSighting(output: string, agentPaths: readonly string[] = []): Sighting | undefined {
  const lines = splitLines(output);
  const start = lines.indexOf(probeMagic);
  const middle = lines.indexOf(probeMiddle);
  return start < 0 || middle < start ? undefined : readSighting(readFacts(lines.slice(start + 1, middle)), agentPaths);
}

interface Facts {
  readonly all: (key: string) => string[];
  readonly one: (key: string) => string;
}

function readFacts(lines: readonly string[]): Facts {
  const facts = lines.map(splitFact);
  const all = (key: string): string[] => facts.filter((fact) => fact.key === key).map((fact) => fact.value);
  return { all, one: (key) => all(key)[0] ?? '' };
}

function readSighting({ all, one }: Facts, agentPaths: readonly string[]): Sighting {
  const uid = Number(one('uid'));
  const agent = agentPaths.find((path) => path === one('agent'));
  return {
    release: readRelease(one('version')),
    uid: Number.isInteger(uid) && one('uid') !== '' ? uid : -1,
    live: all('live').flatMap((value) =>
      parseDeviceFile(value, (path) => archivePaths.some((known) => known === path)),
    ),
    modules: all('ko').flatMap((value) => parseDeviceFile(value, isModulePath)),
    loaded: all('loaded').length > 0,
    su: one('su') === 'yes',
    ...(agent === undefined ? {} : { agent }),
  };
}

function readRelease(version: string): string {
  const release = parseProcVersion(version);
  if (release !== undefined) return release;
  throw new KhError('device-failed', 'The kernel release of the device cannot be used', {
    output: version.slice(0, 200),
  });
}

function splitFact(line: string): { key: string; value: string } {
  const at = line.indexOf('=');
  return { key: line.slice(0, Math.max(at, 0)), value: line.slice(at + 1) };
}

function parseIdentity(
  version: string,
  machine: string,
  lines: readonly string[],
  fingerprint: string,
  vbmeta: string,
): KernelIdentity {
  const release = readRelease(version);
  if (!/^[0-9a-z_]{1,32}$/.test(machine)) {
    throw new KhError('device-failed', 'The device reports no machine name', { output: machine.slice(0, 200) });
  }
  const configSha256 = findDigest(lines, '/proc/config.gz');
  const notesSha256 = findDigest(lines, '/sys/kernel/notes');
  return {
    release,
    procVersion: printable(version, 512),
    machine,
    ...(configSha256 === undefined ? {} : { configSha256 }),
    ...(notesSha256 === undefined ? {} : { notesSha256 }),
    ...(fingerprint === '' ? {} : { fingerprint: printable(fingerprint, 256) }),
    ...(/^[0-9a-f]{40,128}$/.test(vbmeta) ? { vbmetaDigest: vbmeta } : {}),
  };
}

/** `<64 hex digits>  <path>`, as sha256sum prints it. */
function findDigest(lines: readonly string[], path: string): string | undefined {
  const digest = lines.find((line) => line.endsWith(`  ${path}`))?.slice(0, -path.length - 2);
  return digest !== undefined && /^[0-9a-f]{64}$/.test(digest) ? digest : undefined;
}

function parseDeviceFile(value: string, accept: (path: string) => boolean): DeviceFile[] {
  const match = /^(yes|no) (\/.*)$/.exec(value);
  const path = match?.[2] ?? '';
  return accept(path) ? [{ path, readable: match?.[1] === 'yes' }] : [];
}

/** Parses the output of the search script; root may read what it finds, the plain shell may not. */
export function parseModuleSearch(output: string): readonly DeviceFile[] {
  const paths = output.split('\n').map((line) => line.trim());
  return [...new Set(paths.filter(isModulePath))].slice(0, 64).map((path) => ({ path, readable: false }));
}

/** True for a path our search can yield: below a known root, plain characters only. */
export function isModulePath(path: string): boolean {
  if (!/^[A-Za-z0-9._+~/-]{1,256}\/kheaders\.ko(\.(gz|xz|zst))?$/.test(path) || path.includes('..')) return false;
  return moduleRoots.some((root) => path.startsWith(`${root}/`));
}

function parseConfigLine(value: string): string | undefined {
  return /^(# CONFIG_IKHEADERS is not set|CONFIG_IKHEADERS=[ymn])$/.exec(value)?.[0];
}
