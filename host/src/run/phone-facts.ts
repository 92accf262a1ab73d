import { hash } from 'node:crypto';
import { isBuiltIn } from '../build/kernel-config.js';
import { readKernelFacts } from '../build/read-kernel-facts.js';
import type { KernelFacts, ModuleForm } from '../build/kernel-facts.js';
import { type PhoneRecord, formatPhoneRecord, parsePhoneRecord } from '../build/phone-record.js';
import { readExtra, writeExtra } from '../cache/extras.js';
import type { Cache, Entry } from '../cache/format.js';
import { type Context, throwIfAborted } from '../core/context.js';
import { isKhError } from '../core/error.js';
import { AgentRefusal } from '../device/agent-refusal.js';
import type { PhoneAgent } from '../device/phone-agent.js';
import { readModule } from '../image/read-module.js';
import type { SymbolTable } from '../image/symbol-table.js';
import { formatSymbolTables, parseSymbolTables } from '../image/symbol-tables.js';
import { unwrap } from '../image/unwrap.js';
import { parseLoadedExports } from './loaded-exports.js';
import { moduleListScript, parseModuleList } from './module-listing.js';
import { type ModuleTables, type RunningKernel, tablesOf } from './module-tables.js';
import { readBootSymbols } from './boot-symbols.js';
import { readRemote } from './read-remote.js';

/** A module with its debug information is larger than what is wanted of it is worth. */
const moduleLimit = 32 * 1024 * 1024;
/** All modules of a phone together. */
const totalLimit = 512 * 1024 * 1024;
const smallLimit = 4 * 1024 * 1024;
/** Some hundred thousand lines. */
const kallsymsLimit = 64 * 1024 * 1024;

export interface GatherOptions {
  readonly cache: Cache;
  readonly entry: Entry;
  /** Reads the phone again where it was read before. */
  readonly force?: boolean | undefined;
}

/**
 * Reads from a phone what is known of its kernel beyond the headers, and keeps it beside the entry: the configuration,
 * and the symbols and CRCs of its modules. Once for each kernel: where another one with the same headers was read before,
 * its facts make way. What cannot be read is reported as a warning.
 * Errors: AgentFailure and those of the connection and the cache.
 */
export async function gatherPhoneFacts(agent: PhoneAgent, options: GatherOptions, ctx: Context): Promise<void> {
  const { cache, entry } = options;
  const kernel = await identifyKernel(agent);
  const record = await readRecord(options);
  const isSame = record?.kernel === kernel;
  if (options.force !== true && isSame && (record.asRoot || !agent.asRoot)) return;
  ctx.report({ kind: 'step', step: 'facts' });
  const config = await readOptional(agent, '/proc/config.gz', smallLimit);
  if (config !== undefined) await writeExtra(cache, entry, 'config.gz', config);
  const known = await readKernelFacts(cache, entry, {}, ctx);
  const image = await readBootSymbols(agent, ctx);
  const { tables, form } = await readModules(agent, { release: entry.release, image }, ctx);
  const loaded = isBuiltIn(known.config, 'CONFIG_KALLSYMS_ALL') ? await readLoadedExports(agent) : [];
  await keepTables(cache, entry, [...image, ...tables, ...loaded], record === undefined || isSame);
  await writeExtra(cache, entry, 'phone.json', Buffer.from(formatPhoneRecord({ kernel, asRoot: agent.asRoot, form })));
  if (!agent.asRoot) warn(ctx, 'Without root only a part of what the phone knows of its kernel was read');
}

/** What a phone is like now: the facts of its entry, and what is loaded. Errors: as gatherPhoneFacts(). */
export async function readPhoneFacts(agent: PhoneAgent, options: GatherOptions, ctx: Context): Promise<KernelFacts> {
  await gatherPhoneFacts(agent, options, ctx);
  const facts = await readKernelFacts(options.cache, options.entry, {}, ctx);
  const enforce = await readOptional(agent, '/sys/module/module/parameters/sig_enforce', smallLimit);
  return {
    ...facts,
    loaded: await readLoaded(agent),
    signaturesEnforced: enforce === undefined ? undefined : enforce.toString('latin1').trim() === 'Y',
  };
}

/** Puts tables beside the entry; those that were there from other files stay, unless they are of another kernel. */
async function keepTables(cache: Cache, entry: Entry, fresh: readonly SymbolTable[], keep: boolean): Promise<void> {
  const text = keep ? (await readExtra(cache, entry, 'symbols.json'))?.toString('utf8') : undefined;
  const known = text === undefined ? [] : parseSymbolTables(text);
  const others = known.filter((old) => !fresh.some((table) => isSameSource(table, old)));
  await writeExtra(cache, entry, 'symbols.json', Buffer.from(formatSymbolTables([...fresh, ...others])));
}

/** A record that cannot be read, of an older version too, is as good as none. */
async function readRecord({ cache, entry }: GatherOptions): Promise<PhoneRecord | undefined> {
  const text = (await readExtra(cache, entry, 'phone.json'))?.toString('utf8');
  try {
    return text === undefined ? undefined : parsePhoneRecord(text);
  } catch (error) {
    if (isKhError(error, 'cache-corrupt')) return undefined;
    throw error;
  }
}

/** A digest of what the phone's kernel says of its build. */
async function identifyKernel({ link }: PhoneAgent): Promise<string> {
  const { procVersion, configSha256, notesSha256 } = await link.reply(
    link.request({ name: 'identity', body: {} }),
    'kernel',
  );
  return hash('sha256', JSON.stringify([procVersion, configSha256, notesSha256]));
}

function isSameSource({ source: a, exporter }: SymbolTable, old: SymbolTable): boolean {
  return a.kind === old.source.kind && a.path === old.source.path && exporter === old.exporter;
}

async function readOptional({ link }: PhoneAgent, path: string, limit: number): Promise<Buffer | undefined> {
  try {
    return await readRemote(link, path, limit);
  } catch (error) {
    if (error instanceof AgentRefusal && error.body.code === 'io') return undefined;
    throw error;
  }
}

async function readLoaded(agent: PhoneAgent): Promise<readonly string[] | undefined> {
  const text = (await readOptional(agent, '/proc/modules', smallLimit))?.toString('latin1');
  const names = text?.split('\n').map((line) => line.split(' ')[0] ?? '');
  return names?.filter((name) => /^\w{1,64}$/.test(name));
}

async function readLoadedExports(agent: PhoneAgent): Promise<readonly SymbolTable[]> {
  const loaded = agent.asRoot ? await readLoaded(agent) : undefined;
  if (loaded === undefined) return [];
  // As a file, not by the phone's own grep: that hands on each of thousands of lines by itself, ten times as slow.
  const text = (await readOptional(agent, '/proc/kallsyms', kallsymsLimit))?.toString('latin1');
  return text === undefined ? [] : parseLoadedExports(text, loaded);
}

async function readModules(
  agent: PhoneAgent,
  { release, image }: { readonly release: string; readonly image: readonly SymbolTable[] },
  ctx: Context,
): Promise<ModuleTables> {
  const kernel = { release, loaded: (await readLoaded(agent)) ?? [], crcs: crcsOf(image) };
  const { stdout } = await agent.run(moduleListScript, ctx);
  const tables: SymbolTable[] = [];
  let form: ModuleForm | undefined;
  let left = totalLimit;
  const skipped: string[] = [];
  for (const path of parseModuleList(stdout)) {
    throwIfAborted(ctx);
    const read = left > 0 ? await readOneModule(agent, path, kernel, ctx) : undefined;
    left -= read?.bytes ?? 0;
    if (read?.found === undefined) skipped.push(path);
    else tables.push(...read.found.tables);
    form ??= read?.found?.form;
  }
  if (skipped.length > 0) {
    const names = skipped.slice(0, 3).join(', ');
    warn(ctx, `${skipped.length} modules of the phone were not used: unreadable, or of another kernel (${names} …)`);
  }
  return { tables, form };
}

async function readOneModule(
  agent: PhoneAgent,
  path: string,
  kernel: RunningKernel,
  ctx: Context,
): Promise<{ readonly bytes: number; readonly found: ModuleTables | undefined } | undefined> {
  const file = await readOptional(agent, path, moduleLimit);
  if (file === undefined) return undefined;
  try {
    const bytes = await unwrap(file, ctx, moduleLimit);
    return { bytes: file.length, found: tablesOf(readModule(bytes), { path, bytes: file }, kernel) };
  } catch (error) {
    if (!isKhError(error, 'archive-corrupt') && !isKhError(error, 'archive-refused')) throw error;
    return { bytes: file.length, found: undefined };
  }
}

function crcsOf(tables: readonly SymbolTable[]): ReadonlyMap<string, number> {
  const symbols = tables.flatMap((table) => table.symbols);
  return new Map(symbols.flatMap(({ name, crc }) => (crc === undefined ? [] : [[name, crc] as const])));
}

function warn(ctx: Context, message: string): void {
  ctx.report({ kind: 'warning', warning: 'facts', message });
}
