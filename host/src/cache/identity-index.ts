import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { formatIdentity, isRelease, type KernelIdentity } from '@kheaders/shared';
import type { Context } from '../core/context.js';
import { readNames, readSmallFile, replaceFile } from './files.js';
import { Fields } from './fields.js';
import { isDigest, type Cache, type Entry } from './format.js';
import { readEntry } from './store.js';

const largestFile = 4096;

/** What an index file says. */
interface IdentityRecord {
  readonly release: string;
  readonly digest: string;
}

/** `identities/<sha256 of formatIdentity()>.json`. */
export function identityPath(cache: Cache, identity: KernelIdentity): string {
  return join(cache.identities, `${createHash('sha256').update(formatIdentity(identity)).digest('hex')}.json`);
}

/**
 * The entry with the headers of exactly this kernel, if one was recorded and is still good. Any doubt gives undefined
 * (the phone is then asked again) and removes the record; throws nothing.
 */
export async function findByIdentity(cache: Cache, identity: KernelIdentity): Promise<Entry | undefined> {
  const file = identityPath(cache, identity);
  try {
    const record = await readRecord(file);
    if (record === undefined) return undefined;
    if (record.release === identity.release) {
      const entry = await readEntry(cache, record.release, record.digest);
      if (entry) return entry;
    }
  } catch {
    // a damaged record or entry is the doubt meant above
  }
  await rm(file, { force: true }).catch(() => undefined);
  return undefined;
}

/** Notes that a kernel's headers are in this entry. A failure is only a warning: the next pull asks the phone. */
export async function recordIdentity(
  cache: Cache,
  identity: KernelIdentity,
  entry: Entry,
  ctx: Context,
): Promise<void> {
  const text = `${JSON.stringify({ schema: 1, release: entry.release, digest: entry.digest })}\n`;
  try {
    await replaceFile(cache, identityPath(cache, identity), text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    ctx.report({ kind: 'warning', warning: 'identity-index', message: `Cannot note the kernel's identity: ${reason}` });
  }
}

/** Removes all records of an entry, and those nobody can read. */
export async function forgetEntry(cache: Cache, entry: IdentityRecord): Promise<void> {
  for (const name of await readNames(cache.identities)) {
    const file = join(cache.identities, name);
    const record = await readRecord(file).catch(() => entry);
    if (record?.release === entry.release && record.digest === entry.digest) await rm(file, { force: true });
  }
}

async function readRecord(file: string): Promise<IdentityRecord | undefined> {
  const text = await readSmallFile(file, largestFile);
  if (text === undefined) return undefined;
  const fields = new Fields(JSON.parse(text), '');
  fields.schema(1);
  return { release: fields.text('release', isRelease), digest: fields.text('digest', isDigest) };
}
