import type { MessageBody } from '@kheaders/shared';
import { addressDevice } from '../adb/device-service.js';
import { describeCaller } from '../core/environment.js';
import { type Context, makeContext, throwIfAborted, withSerial } from '../core/context.js';
import { KhError, withDetails } from '../core/error.js';
import { asCommandError, AgentRefusal, nameErrno } from '../device/agent-refusal.js';
import { describeVerdict } from '../build/finding.js';
import { findDevice } from '../device/attached.js';
import { type PhoneAgent, openPhoneAgent } from '../device/phone-agent.js';
import { chooseAgents, findSelector, findServer, type PullOptions } from '../pull/options.js';
import { checkAgainstPhone } from './check-file.js';
import { type KernelLine, LeasedModule } from './leased-module.js';
import { type ModuleFile, canBeUnloaded, moduleNameOf, readModuleFile } from './module-file.js';
import { formatParameters } from './module-parameters.js';
import { openStop } from './stop.js';

export interface RunOptions extends Omit<PullOptions, 'waitSeconds' | 'sources' | 'agent' | 'force'> {
  /** `name=value`, one each. */
  readonly parameters?: readonly string[] | undefined;
  /** False: not judged before; the kernel alone decides. Default true. */
  readonly check?: boolean | undefined;
  /** Load it even where check says that it will not load. */
  readonly force?: boolean | undefined;
  /** How long it stays loaded; absent: until the signal is aborted, which is a run's ordinary end. */
  readonly seconds?: number | undefined;
  /** Each record of the kernel's log from just before the load to just behind the unload. Untrusted text. */
  readonly onLine?: ((line: KernelLine) => void) | undefined;
}

export interface RunResult {
  readonly serial: string;
  readonly module: string;
  /** `ok`: unloaded; `gone`: somebody else had unloaded it. */
  readonly unload: 'ok' | 'gone';
  /** Records of the kernel's log that were told. */
  readonly lines: number;
}

/**
 * Loads a module on the attached phone, follows the kernel's log, and unloads it again when the time is over or the
 * signal is aborted. Whatever becomes of this process, the phone unloads the module by itself.
 *
 * Errors: `module-unfit` where check says that it will not load; `module-refused` with the kernel's own lines where the kernel or the phone refuses it; `cancelled` where the
 * signal was aborted before it was loaded; `usage`, `archive-corrupt` for the file; `agent-refused`, `not-root`, and those
 * of the connection.
 */
export async function runModule(path: string, options: RunOptions = {}): Promise<RunResult> {
  const ctx = makeContext(options);
  const file = await readModuleFile(path, ctx);
  const plan = { file, name: moduleNameOf(file), parameters: formatParameters(options.parameters ?? []) };
  if (!canBeUnloaded(file)) {
    const details = { path, reason: 'no-exit' };
    throw new KhError('module-refused', 'The module has no exit function: no kernel would unload it again', details);
  }
  if (options.check !== false) await assertFit(path, options, ctx);
  const server = findServer(options);
  const device = await findDevice(server, findSelector(options.device), ctx);
  const inner = withSerial(ctx, device.serial);
  try {
    const how = { root: options.root ?? 'auto', agents: chooseAgents({}), outlives: true } as const;
    await using agent = await openPhoneAgent(addressDevice(server, device), how, inner);
    return await runWith(agent, plan, options, inner);
  } catch (error) {
    throw withDetails(error, { serial: device.serial, path });
  }
}

/** Errors: `module-unfit`; those of checkAgainstPhone(). */
async function assertFit(path: string, options: RunOptions, ctx: Context): Promise<void> {
  const { verdict, findings } = await checkAgainstPhone(path, { ...options, force: undefined });
  const reason = describeVerdict(findings);
  if (verdict === 'will-not' && options.force !== true) {
    throw new KhError('module-unfit', 'The module will not load on the phone', { path, reason });
  }
  if (verdict !== 'will') warn(ctx, `The module may not load: ${reason}`);
}

interface Plan {
  readonly file: ModuleFile;
  readonly name: string;
  readonly parameters: string;
}

async function runWith(agent: PhoneAgent, plan: Plan, options: RunOptions, ctx: Context): Promise<RunResult> {
  const lines: string[] = [];
  let count = 0;
  const module = new LeasedModule(agent.link, {
    name: plan.name,
    bytes: plan.file.bytes,
    parameters: plan.parameters,
    holder: describeCaller(),
    onLine(line) {
      count += 1;
      if (lines.length < toldLines) lines.push(line.text);
      options.onLine?.(line);
    },
    onLogEnd: (why) => warn(ctx, `The kernel's log cannot be followed: ${why}`),
  });
  throwIfAborted(ctx);
  using stop = openStop(ctx.signal, options.seconds);
  try {
    ctx.report({ kind: 'step', step: 'load', detail: plan.name });
    await module.load();
    ctx.report({ kind: 'step', step: 'run', detail: plan.name });
    const released = await module.followUntil(stop.asked);
    await module.endLog();
    return { serial: agent.serial, module: plan.name, unload: judge(released, plan.name), lines: count };
  } catch (error) {
    if (error instanceof AgentRefusal) await module.endLog().catch(() => undefined);
    throw asRunError(error, { serial: agent.serial, name: plan.name, lines });
  }
}

/** Of the kernel's lines, so many are told with a refusal. */
const toldLines = 20;

function warn(ctx: Context, message: string): void {
  ctx.report({ kind: 'warning', warning: 'agent', message });
}

function judge({ unload, detail }: MessageBody<'released'>, name: string): 'ok' | 'gone' {
  if (unload === 'ok' || unload === 'gone') return unload;
  const details = { reason: 'EBUSY', output: detail.slice(0, 1000) };
  throw new KhError('module-refused', `The phone cannot unload the module ${name}: it stays loaded`, details);
}

interface RunFacts {
  readonly serial: string;
  readonly name: string;
  readonly lines: readonly string[];
}

/** What the kernel says of a module it refuses stands in its log alone: the errno is one of a few. */
function asRunError(error: unknown, { serial, name, lines }: RunFacts): unknown {
  const { code, errno } = error instanceof AgentRefusal ? error.body : { code: 'internal', errno: 0 };
  if (code !== 'load') return asCommandError(error, serial);
  const reason = nameErrno(errno);
  const message =
    reason === 'EEXIST'
      ? `A module named ${name} is loaded on the phone already`
      : `The phone refused to load the module ${name}`;
  return new KhError('module-refused', message, { serial, reason, output: lines.join('\n') }, error);
}
