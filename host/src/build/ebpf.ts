import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Entry } from '../cache/format.js';
import { makeContext } from '../core/context.js';
import { KhError } from '../core/error.js';
import { type BpfEnvironment, type BpfTool, makeBpfEnvironment } from './bpf-environment.js';
import { type BpfTarget, findBpfTarget } from './bpf-target.js';
import { publishBpftraceView } from './bpftrace-view.js';
import { type EntryFacts, readEntryFacts } from './entry-facts.js';
import { type PlaceOptions, findPlace } from './kdir.js';
import { type FlagKind, forcedHeaders, listHeaderFlags } from './header-flags.js';

export interface BpfOptions extends PlaceOptions {
  /** Default: both. */
  readonly tools?: readonly BpfTool[] | undefined;
}

/**
 * The variables by which BCC and bpftrace use a cached kernel's headers. For bpftrace a folder is made beside the entry,
 * once. Errors: `build-failed` where the headers are of an architecture that the tools do not know, `disk-full`,
 * `cache-unwritable`.
 */
export async function bpfEnvironment(entry: Entry, options: BpfOptions = {}): Promise<BpfEnvironment> {
  const { tools = ['bcc', 'bpftrace'] } = options;
  const { facts, target } = await readTarget(entry);
  const { headers } = entry;
  const bpftraceHeaders = tools.includes('bpftrace')
    ? await publishBpftraceView(await findPlace(options), entry, target, makeContext(options))
    : headers;
  return makeBpfEnvironment({ headers, bpftraceHeaders, target, version: facts.version }, tools);
}

/** clang's flags for a cached kernel's headers, with absolute paths. Errors: `build-failed`, as bpfEnvironment(). */
export async function headerFlags(entry: Entry, kind: FlagKind): Promise<readonly string[]> {
  const { facts, target } = await readTarget(entry);
  const { headers } = entry;
  const present = await Promise.all(forcedHeaders.map((path) => isThere(join(headers, path))));
  const forced = forcedHeaders.filter((_, at) => present[at]);
  return listHeaderFlags(kind, { headers, srcArch: facts.srcArch, target, forced });
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function readTarget(entry: Entry): Promise<{ readonly facts: EntryFacts; readonly target: BpfTarget }> {
  const facts = await readEntryFacts(entry);
  const target = findBpfTarget(facts);
  if (target !== undefined) return { facts, target };
  const reason = `no eBPF tool knows kernels of ${facts.makeArch}`;
  const details = { release: entry.release, path: entry.headers, reason };
  throw new KhError('build-failed', 'The headers are of another architecture', details);
}
