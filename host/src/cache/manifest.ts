import { isRelease, type KernelIdentity } from '@kheaders/shared';
import { isKhError } from '../core/error.js';
import type { TreeSummary } from '../core/tree.js';
import { corrupt } from './errors.js';
import { Fields } from './fields.js';

const sourceKinds = ['live', 'module', 'carve', 'file'] as const;
const layouts = ['headers', 'config', 'legacy'] as const;

/** Where the archive came from; see ARCHITECTURE.md, "Sources". */
export type SourceKind = (typeof sourceKinds)[number];

/** What the archive holds beside headers: nothing, the kernel's configuration, or the build files of early 2019. */
export type Layout = (typeof layouts)[number];

/**
 * `manifest.json`: what an entry is and where it came from. Texts hold no control characters and at most 4096 UTF-16
 * units; what the phone said is in here unchanged otherwise, so show it with care.
 */
export interface Manifest {
  readonly schema: 1;
  readonly release: string;
  /** `uname -m`, e.g. `aarch64`; absent if unknown (an imported file). */
  readonly machine?: string | undefined;
  readonly archive: { readonly sha256: string; readonly bytes: number };
  readonly source: {
    readonly kind: SourceKind;
    readonly devicePath?: string | undefined;
    readonly filePath?: string | undefined;
    /** What the archive was cut out of, from the outside in: `boot.img v4, lz4, Image`. */
    readonly carvedFrom?: string | undefined;
    /** What that says of itself: the text of its /proc/version. */
    readonly banner?: string | undefined;
  };
  /** The phone, as far as one was there. */
  readonly provenance: {
    readonly serial?: string | undefined;
    readonly model?: string | undefined;
    readonly fingerprint?: string | undefined;
    readonly procVersion?: string | undefined;
    readonly abi?: string | undefined;
  };
  readonly identity?: KernelIdentity | undefined;
  readonly layout: Layout;
  /** What is in the archive, counted. */
  readonly tree: TreeSummary;
  /** UTC, as Date.toISOString() writes it. */
  readonly createdAt: string;
  readonly tool: { readonly name: string; readonly version: string };
}

/** What a publisher knows; the rest of the manifest comes from the tree. A whole manifest will do, too. */
export type EntryFacts = Omit<Manifest, 'schema' | 'tree'>;

export function makeManifest(facts: EntryFacts, tree: TreeSummary): Manifest {
  const { files, directories, symlinks, bytes } = tree;
  return { ...facts, schema: 1, tree: { files, directories, symlinks, bytes } };
}

/** Fields in a fixed order, two spaces, a newline at the end: one manifest, one text. */
export function formatManifest(manifest: Manifest): string {
  const { schema, release, machine, archive, source, provenance, identity, layout, tree, createdAt, tool } = manifest;
  const ordered = { schema, release, machine, archive, source, provenance, identity, layout, tree, createdAt, tool };
  return `${JSON.stringify(ordered, undefined, 2)}\n`;
}

/** The reverse. Throws `cache-corrupt` with the path and, as the reason, the field. Unknown fields are dropped. */
export function parseManifest(text: string, path: string): Manifest {
  try {
    return readFields(new Fields(JSON.parse(text), ''));
  } catch (error) {
    const reason = isKhError(error) ? error.details.reason : undefined;
    throw corrupt('The manifest is damaged', path, reason ?? 'not JSON', error);
  }
}

function readFields(top: Fields): Manifest {
  top.schema(1);
  const release = top.text('release', isRelease);
  const archive = top.object('archive');
  const tool = top.object('tool');
  return {
    schema: 1,
    release,
    ...top.optionalTexts(['machine']),
    archive: { sha256: archive.sha256('sha256'), bytes: archive.count('bytes') },
    source: readSource(top.object('source')),
    provenance: top.object('provenance').optionalTexts(['serial', 'model', 'fingerprint', 'procVersion', 'abi']),
    ...(top.has('identity') ? { identity: readIdentity(top.object('identity'), release) } : {}),
    layout: top.choice('layout', layouts),
    tree: readTree(top.object('tree')),
    createdAt: top.text('createdAt', isTime),
    tool: { name: tool.text('name'), version: tool.text('version') },
  };
}

function readSource(source: Fields): Manifest['source'] {
  return {
    kind: source.choice('kind', sourceKinds),
    ...source.optionalTexts(['devicePath', 'filePath', 'carvedFrom', 'banner']),
  };
}

function readIdentity(identity: Fields, release: string): KernelIdentity {
  return {
    release: identity.text('release', (text) => text === release),
    procVersion: identity.text('procVersion'),
    machine: identity.text('machine'),
    ...identity.optionalTexts(['configSha256', 'notesSha256', 'fingerprint', 'vbmetaDigest']),
  };
}

function readTree(tree: Fields): TreeSummary {
  return {
    files: tree.count('files'),
    directories: tree.count('directories'),
    symlinks: tree.count('symlinks'),
    bytes: tree.count('bytes'),
  };
}

/** By form: a Date would be exact, but the first one of a process loads the time zones, 9 ms of a warm pull. */
function isTime(text: string): boolean {
  return /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/.test(text);
}
