import { addressDevice } from '../adb/device-service.js';
import { type Judgement, checkModule, judgeBroken } from '../build/check-module.js';
import type { SymbolOptions } from '../build/collect-symbols.js';
import { readKernelFacts } from '../build/read-kernel-facts.js';
import type { KernelFacts } from '../build/kernel-facts.js';
import type { Entry } from '../cache/format.js';
import { type Context, makeContext, withSerial } from '../core/context.js';
import { isKhError, withDetails } from '../core/error.js';
import { asCommandError } from '../device/agent-refusal.js';
import { findDevice } from '../device/attached.js';
import { openPhoneAgent } from '../device/phone-agent.js';
import { readModuleTraits } from '../image/module-traits.js';
import { findCache } from '../pull/find-cache.js';
import { type CacheOptions, type PullOptions, chooseAgents, findSelector, findServer } from '../pull/options.js';
import { pull } from '../pull/pull-device.js';
import { type ModuleFile, readModuleFile } from './module-file.js';
import { readPhoneFacts } from './phone-facts.js';

export interface CheckResult extends Judgement {
  readonly file: string;
  readonly entry: Entry;
  /** The phone that was asked; absent: the cache alone was. */
  readonly serial?: string | undefined;
}

/**
 * Would the kernel of a cached entry load this module file? Works from the cache, and from a Module.symvers or an image of
 * that kernel where one is given. Errors: `usage` for a file that
 * cannot be read, those of the cache.
 */
export async function checkAgainstEntry(
  path: string,
  entry: Entry,
  options: CacheOptions & SymbolOptions = {},
): Promise<CheckResult> {
  const ctx = makeContext(options);
  const facts = await readKernelFacts(await findCache(options), entry, options, ctx);
  return { file: path, entry, ...judge(await readOrJudge(path, ctx), facts) };
}

/**
 * Would the attached phone load this module file? Its headers are pulled if need be; its modules and configuration are
 * read once and kept in the cache; what is loaded and whether signatures are enforced is asked each time.
 * Errors: `usage` for a file that cannot be read, `agent-refused`, those of pull().
 */
export async function checkAgainstPhone(path: string, options: PullOptions = {}): Promise<CheckResult> {
  const ctx = makeContext(options);
  const file = await readOrJudge(path, ctx);
  const { entry, serial, facts } = await readFactsOf(options, ctx);
  return { file: path, entry, serial, ...judge(file, facts) };
}

/**
 * Pulls the headers of the attached phone's kernel and, once for each entry, what else a build needs of it: its
 * configuration, and the symbols and CRCs of kernel and modules. Where the helper cannot be used, a warning says so and
 * the headers are all there is. Errors: those of pull().
 */
export async function pullKernel(options: PullOptions = {}): Promise<Entry> {
  const ctx = makeContext(options);
  try {
    return (await readFactsOf(options, ctx)).entry;
  } catch (error) {
    if (!isKhError(error, 'agent-refused')) throw error;
    const message = `The phone's symbols were not read: ${error.details.output ?? error.message}`;
    ctx.report({ kind: 'warning', warning: 'facts', message });
    return (await pull(options)).entry;
  }
}

/** The entry of the attached phone's kernel and all that is known of it. Errors: as checkAgainstPhone(). */
export async function readFactsOf(
  options: PullOptions,
  ctx: Context,
): Promise<{ readonly entry: Entry; readonly serial: string; readonly facts: KernelFacts }> {
  const { entry } = await pull(options);
  const cache = await findCache(options);
  const server = findServer(options);
  const device = await findDevice(server, findSelector(options.device), ctx);
  const { serial } = device;
  const inner = withSerial(ctx, serial);
  const how = { root: options.root ?? 'auto', agents: chooseAgents(options), rootOptional: true } as const;
  try {
    await using agent = await openPhoneAgent(addressDevice(server, device), how, inner);
    return { entry, serial, facts: await readPhoneFacts(agent, { cache, entry, force: options.force }, inner) };
  } catch (error) {
    throw withDetails(asCommandError(error, serial), { serial });
  }
}

async function readOrJudge(path: string, ctx: Context): Promise<ModuleFile | Judgement> {
  try {
    return await readModuleFile(path, ctx);
  } catch (error) {
    if (!isKhError(error, 'archive-corrupt') && !isKhError(error, 'archive-refused')) throw error;
    return judgeBroken(error.details.reason ?? error.code, error.message);
  }
}

function judge(file: ModuleFile | Judgement, facts: KernelFacts): Judgement {
  return 'verdict' in file ? file : checkModule(file.module, readModuleTraits(file.bytes), facts);
}
