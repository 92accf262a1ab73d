import { runShell } from '../adb/shell.js';
import type { DeviceAddress } from '../adb/device-service.js';
import { type Context, throwIfAborted, withDeadline } from '../core/context.js';
import { KhError, isKhError } from '../core/error.js';
import { type AdbdRestart, switchAdbd } from './adbd-root.js';
import { quote } from './quote.js';

/** --root: `auto` tries what restarts nothing; `adb` alone may restart adbd; `none` stays unprivileged. */
export type RootPolicy = 'auto' | 'su' | 'adb' | 'none';

/** A verified way to run a command as root. */
export interface Root {
  readonly method: 'already' | 'su -c' | 'su 0' | 'adb root';
  /** Turns a script into the command that runs it as root. */
  readonly wrap: (script: string) => string;
  /** The device after the switch: adbd's restart ends the transport it had. */
  readonly address: DeviceAddress;
}

export interface SuForm {
  readonly method: 'su -c' | 'su 0';
  readonly milliseconds: number;
  readonly wrap: (script: string) => string;
}

/**
 * Magisk, KernelSU and APatch take one quoted word after -c; AOSP's su has no -c. `su 0 id` hangs on some Magisk
 * phones, and an unanswered prompt looks like a hang too, so each form has a time-out (Mozilla's mozdevice met both).
 * That of the common form is long enough for a person to answer Magisk's prompt.
 */
export const commonSu: SuForm = { method: 'su -c', milliseconds: 12_000, wrap: (script) => `su -c ${quote(script)}` };

const suForms: readonly SuForm[] = [
  commonSu,
  { method: 'su 0', milliseconds: 4_000, wrap: (script) => `su 0 sh -c ${quote(script)}` },
];

export interface RootRequest {
  readonly policy: RootPolicy;
  /** uid of the plain shell, from the probe. */
  readonly uid: number;
  /** Whether there is a su, from the probe. */
  readonly su: boolean;
  /** The common form was tried already and did not answer in its time. */
  readonly hung?: boolean;
}

/**
 * Finds a way to be root, verified by `id -u` printing 0. Errors: `not-root` with everything that was tried; errors of
 * the connection as they come.
 */
export async function findRoot(address: DeviceAddress, request: RootRequest, ctx: Context): Promise<Root> {
  const tried: string[] = [];
  if (request.uid === 0) return { method: 'already', wrap: (script) => script, address };
  tried.push(`adb shell: uid ${request.uid}`);
  if (request.policy === 'adb') return becomeRootByAdb(address, tried, ctx);
  if (request.policy === 'none') throw notRoot(address, [...tried, 'nothing else, because of --root=none']);
  if (!request.su) throw notRoot(address, [...tried, 'su: not installed']);
  for (const form of suForms) {
    throwIfAborted(ctx);
    const failure = form === commonSu && request.hung === true ? noAnswer(form) : await trySu(address, form, ctx);
    if (failure === undefined) return { method: form.method, wrap: form.wrap, address };
    tried.push(`${form.method}: ${failure}`);
  }
  throw notRoot(address, tried);
}

/** Returns undefined if the form works, else why not. */
async function trySu(address: DeviceAddress, form: SuForm, ctx: Context): Promise<string | undefined> {
  using deadline = withDeadline(ctx, form.milliseconds, form.method);
  try {
    const { code, stdout, stderr } = await runShell(address, form.wrap('id -u'), deadline);
    if (code === 0 && stdout.trim() === '0') return undefined;
    const text = (stderr.trim() || stdout.trim()).split('\n')[0] ?? '';
    return `exit code ${code}${text === '' ? '' : `, ${JSON.stringify(text.slice(0, 120))}`}`;
  } catch (error) {
    if (isKhError(error, 'timeout') && !ctx.signal.aborted) return noAnswer(form);
    throw error;
  }
}

function noAnswer({ milliseconds }: SuForm): string {
  return `no answer within ${milliseconds / 1000} s`;
}

async function becomeRootByAdb(address: DeviceAddress, tried: string[], ctx: Context): Promise<Root> {
  const restart: AdbdRestart = await switchAdbd(address, 'root', ctx);
  if (!restart.restarted && !/already running as root/.test(restart.answer)) {
    throw notRoot(address, [...tried, `adb root: ${JSON.stringify(restart.answer.slice(0, 200))}`]);
  }
  const { code, stdout } = await runShell(restart.address, 'id -u', ctx);
  if (code !== 0 || stdout.trim() !== '0') throw notRoot(address, [...tried, `adb root: still uid ${stdout.trim()}`]);
  return {
    method: restart.restarted ? 'adb root' : 'already',
    wrap: (script) => script,
    address: restart.address,
  };
}

function notRoot(address: DeviceAddress, tried: readonly string[]): KhError {
  return new KhError('not-root', 'No way to become root on the phone was found', { serial: address.serial, tried });
}
