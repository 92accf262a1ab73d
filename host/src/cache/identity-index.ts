import { createHash } from 'node:crypto';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type BootIdentity, formatBoot, formatIdentity, isRelease, type KernelIdentity } from '@kheaders/shared';
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

const bootPrefix = 'boot-';
const bootDays = 30;

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** `identities/<sha256 of formatIdentity()>.json`. */
export function identityPath(cache: Cache, identity: KernelIdentity): string {
  return join(cache.identities, `${hashOf(formatIdentity(identity))}.json`);
}

/** `identities/boot-<sha256 of formatBoot()>.json`. */
export function bootPath(cache: Cache, boot: BootIdentity): string {
  return join(cache.identities, `${bootPrefix}${hashOf(formatBoot(boot))}.json`);
}

/**
 * The entry with the headers of exactly this kernel, if one was recorded and is still good. Any doubt gives undefined
 * (the phone is then asked again) and removes the record; throws nothing.
 */
export async function findByIdentity(cache: Cache, identity: KernelIdentity): Promise<Entry | undefined> {
  return findByFile(cache, identityPath(cache, identity), identity.release);
}

/** findByIdentity() for a kernel that is known by its boot. */
export async function findByBoot(cache: Cache, boot: BootIdentity): Promise<Entry | undefined> {
  return findByFile(cache, bootPath(cache, boot), boot.release);
}

async function findByFile(cache: Cache, file: string, release: string): Promise<Entry | undefined> {
  try {
    const record = await readRecord(file);
    if (record === undefined) return undefined;
    if (record.release === release) {
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
  await recordFile(cache, identityPath(cache, identity), entry, ctx);
}

/** recordIdentity() for a boot; drops the records of boots long ago. */
export async function recordBoot(cache: Cache, boot: BootIdentity, entry: Entry, ctx: Context): Promise<void> {
  await recordFile(cache, bootPath(cache, boot), entry, ctx);
  const oldest = Date.now() - bootDays * 86_400_000;
  for (const name of await readNames(cache.identities).catch(() => [])) {
    if (!name.startsWith(bootPrefix)) continue;
    const file = join(cache.identities, name);
    const isOld = await stat(file).then(
      ({ mtimeMs }) => mtimeMs < oldest,
      () => false,
    );
    if (isOld) await rm(file, { force: true }).catch(() => undefined);
  }
}

async function recordFile(cache: Cache, file: string, entry: Entry, ctx: Context): Promise<void> {
  const text = `${JSON.stringify({ schema: 1, release: entry.release, digest: entry.digest })}\n`;
  try {
    replaceFile(cache, file, text);
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
