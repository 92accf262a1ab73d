import { type Context, abortError } from '../core/context.js';
import { KhError } from '../core/error.js';
import { type DeviceAddress, openDeviceService } from './device-service.js';
import { destroyOnAbort } from './server-connection.js';
import { encodeShellFrame, readShellFrames, shellFrame } from './shell-frame.js';

/** A command running on the device. Dispose it to hang up: adbd then sends it SIGHUP and closes its pipes. */
export interface ShellProcess extends AsyncDisposable {
  /** Standard output; must be read to its end for `exit` to settle. Errors: `device-lost`, `cancelled`, `timeout`. */
  readonly stdout: AsyncIterable<Buffer>;
  /** Exit code and standard error (its last 64 KiB: our own notes come last); known when stdout has ended. */
  exit(): { readonly code: number; readonly stderr: string };
  /** Sends bytes to standard input, where the command was opened with input. After a hang-up it does nothing. */
  write(bytes: Uint8Array): void;
}

export interface ShellOptions {
  /** The first bytes of standard input, which then stays open. Absent: standard input is closed at once. */
  readonly input?: Uint8Array;
  /** Called when the device has been asked: there is time for something else until it answers. */
  readonly written?: (() => void) | undefined;
}

const stderrLimit = 64 * 1024;

/**
 * Starts a command over `shell,v2,raw:`: binary safe, separate stderr, exit code. `exec:` would put the command on a
 * pty and lose its exit code (AOSP shell_service.cpp). A stream that ends without an exit frame is a lost device, never
 * success. Errors: as openDeviceService().
 */
export async function openShell(
  address: DeviceAddress,
  command: string,
  ctx: Context,
  { input, written }: ShellOptions = {},
): Promise<ShellProcess> {
  const link = await openDeviceService(address, `shell,v2,raw:${command}`, ctx, written);
  const { socket } = link;
  // The frame also carries our TCP acknowledgement of OKAY: without it the adb server, which has Nagle's algorithm on
  // towards its clients, holds back the first output for 40 ms.
  socket.write(
    input === undefined ? encodeShellFrame(shellFrame.closeStdin) : encodeShellFrame(shellFrame.stdin, input),
  );
  const detach = destroyOnAbort(socket, ctx);
  let stderr = '';
  let code: number | undefined;

  async function* readStdout(): AsyncGenerator<Buffer> {
    try {
      for await (const frame of readShellFrames(socket)) {
        if (frame.id === shellFrame.stdout) yield frame.data;
        else if (frame.id === shellFrame.stderr) stderr = (stderr + frame.data.toString('utf8')).slice(-stderrLimit);
        else if (frame.id === shellFrame.exit) code = frame.data[0];
      }
    } catch (error) {
      if (ctx.signal.aborted) throw abortError(ctx.signal);
      throw error instanceof KhError ? error : lost(error);
    } finally {
      detach();
    }
    if (code === undefined) throw lost();
  }
  function lost(cause?: unknown): KhError {
    const details = { serial: address.serial, output: stderr };
    return new KhError('device-lost', 'The connection to the device broke off', details, cause);
  }

  return {
    stdout: readStdout(),
    exit() {
      if (code === undefined) throw lost();
      return { code, stderr };
    },
    write(bytes) {
      if (!socket.destroyed) socket.write(encodeShellFrame(shellFrame.stdin, bytes));
    },
    [Symbol.asyncDispose]() {
      detach();
      socket.destroy();
      return Promise.resolve();
    },
  };
}

export interface ShellResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const stdoutLimit = 4 * 1024 * 1024;

/** Runs a command to its end and returns its text. Errors: as openShell(), and `device-failed` over 4 MiB of output. */
export async function runShell(address: DeviceAddress, command: string, ctx: Context): Promise<ShellResult> {
  await using shell = await openShell(address, command, ctx);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of shell.stdout) {
    size += chunk.length;
    if (size > stdoutLimit) throw new KhError('device-failed', 'The device sent more text than expected');
    chunks.push(Buffer.from(chunk));
  }
  return { ...shell.exit(), stdout: Buffer.concat(chunks).toString('utf8') };
}
