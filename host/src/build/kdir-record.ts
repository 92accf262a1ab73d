import type { KdirInputs } from './kdir-inputs.js';
import { compareVersions, formatVersion } from './kernel-version.js';

/** One part of a build tree and where it came from. */
export interface KdirPart {
  readonly part: string;
  /** `missing`: it is not there. */
  readonly source: string;
  readonly sha256?: string;
}

/** The text of `kdir.json`; docs/CACHE-FORMAT.md describes it. */
export function formatKdirRecord(inputs: KdirInputs, parts: readonly KdirPart[]): string {
  const { entry, facts, source, autoConf, symbols, symvers, toolchain } = inputs;
  const record = {
    schema: 1,
    release: entry.release,
    digest: entry.digest,
    arch: facts.makeArch,
    version: formatVersion(facts.version),
    kbuild: {
      kind: source.kind,
      path: source.path,
      version: formatVersion(source.version),
      match: compareVersions(facts.version, source.version),
    },
    compiler: { text: toolchain.compiler.text, wanted: toolchain.wanted, exact: toolchain.exact },
    config: { source: autoConf.source, differing: autoConf.differing, leftOut: autoConf.leftOut },
    symbols: { written: symvers?.length ?? 0, withoutCrc: symbols.withoutCrc.length, sources: symbols.sources },
    parts,
  };
  return `${JSON.stringify(record, undefined, 2)}\n`;
}
