import type { DeviceReport } from '../keeping.js';
import type { DamagedEntry, Entry, PullResult } from '../pulling.js';
import { describeError } from './render-error.js';

/** An entry as `--json` prints it; docs/json.md is the schema. */
export function describeEntry(entry: Entry | DamagedEntry): object {
  const { release, digest, path } = entry;
  if ('damaged' in entry) return { ok: false, release, digest, path, damaged: entry.damaged };
  const { headers, archivePath, manifest } = entry;
  return { ok: true, release, digest, path, headers, archive: archivePath, manifest };
}

export function describePull(result: PullResult): object {
  const { serial, model, how, phone, entry } = result;
  const { release, digest, path, headers, archivePath, manifest } = entry;
  const { source, layout, tree } = manifest;
  return {
    ok: true,
    serial,
    model,
    how,
    release,
    digest,
    headers,
    path,
    archive: archivePath,
    source,
    layout,
    entries: tree.files + tree.directories + tree.symlinks,
    files: tree.files,
    bytes: tree.bytes,
    phone,
  };
}

export function describeDevice(report: DeviceReport): object {
  const { cached, error, ...rest } = report;
  return {
    ok: error === undefined,
    ...rest,
    cached: cached === undefined ? null : { release: cached.release, digest: cached.digest, headers: cached.headers },
    ...(error === undefined ? {} : { error: describeError(error) }),
  };
}
