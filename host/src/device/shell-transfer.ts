import type { DeviceAddress } from '../adb/device-service.js';
import { type ShellProcess, openShell } from '../adb/shell.js';
import { type Context, orAborted, withDeadline } from '../core/context.js';
import { asRefusal } from './refusal.js';
import type { Transfer } from './session.js';
import { TransferRefusal, readTransferHeader, wrongLength } from './transfer-header.js';
import { type TransferReport, parseTransferNotes } from './transfer-notes.js';
import { type TransferRequest, formatTransferScript } from './transfer-script.js';

/** Loading a 7 MB module from a slow phone's storage takes a second; other readers may hold us up a little. */
const headerMilliseconds = 60_000;

/** How the script is run. */
export interface TransferShell {
  /** Turns the script into the command that runs it. */
  readonly wrap: (script: string) => string;
  /** The script makes sure that it is root. */
  readonly asRoot: boolean;
  /** Longest wait for the first answer; default a minute. */
  readonly milliseconds?: number;
}

/** Starts the transfer script and reads its header. Errors: see Session.openTransfer(); `timeout`. */
export async function openShellTransfer(
  address: DeviceAddress,
  { wrap, asRoot, milliseconds = headerMilliseconds }: TransferShell,
  request: TransferRequest,
  ctx: Context,
): Promise<Transfer> {
  const { serial } = address;
  ctx.report({ kind: 'step', step: request.kind === 'module' ? 'load' : 'read' });
  const shell = await openShell(address, wrap(formatTransferScript(request, asRoot)), ctx);
  try {
    const source = shell.stdout[Symbol.asyncIterator]();
    const { header, rest } = await readHeaderInTime(source, { serial, milliseconds }, ctx);
    ctx.report({ kind: 'step', step: 'read', detail: header.path });
    return {
      ...header,
      bytes: readPayload(source, { rest, size: header.size, serial }),
      finish: () => finishTransfer(shell, source),
      [Symbol.asyncDispose]: () => shell[Symbol.asyncDispose](),
    };
  } catch (error) {
    await shell[Symbol.asyncDispose]();
    throw error;
  }
}

/** The payload ends before the script does: what follows on stdout is nothing, on stderr the report. */
async function finishTransfer(shell: ShellProcess, source: AsyncIterator<Buffer>): Promise<TransferReport> {
  for (let next = await source.next(); next.done !== true; next = await source.next());
  return parseTransferNotes(shell.exit().stderr);
}

type Header = Awaited<ReturnType<typeof readTransferHeader>>;

async function readHeaderInTime(
  source: AsyncIterator<Buffer>,
  { serial, milliseconds }: { readonly serial: string; readonly milliseconds: number },
  ctx: Context,
): Promise<Header> {
  using deadline = withDeadline(ctx, milliseconds, 'the phone loading the module');
  try {
    return await orAborted(readTransferHeader(source), deadline);
  } catch (error) {
    if (error instanceof TransferRefusal) throw asRefusal(error, serial);
    throw error;
  }
}

interface Payload {
  /** Bytes that came with the header. */
  readonly rest: Buffer;
  readonly size: number;
  readonly serial: string;
}

/** Yields the payload, and ends with its last byte: the phone unloads while the host works on. */
async function* readPayload(source: AsyncIterator<Buffer>, payload: Payload): AsyncGenerator<Buffer> {
  let received = 0;
  let next: IteratorResult<Buffer> = { done: false, value: payload.rest };
  try {
    while (next.done !== true) {
      received += next.value.length;
      if (received > payload.size) throw wrongLength('long', payload, received);
      if (next.value.length > 0) yield next.value;
      if (received === payload.size) return;
      next = await source.next();
    }
  } finally {
    if (received !== payload.size) await source.return?.();
  }
  if (received < payload.size) throw wrongLength('short', payload, received);
}
