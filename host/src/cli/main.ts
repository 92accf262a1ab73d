import { setFlagsFromString } from 'node:v8';
import type { Event } from '../pulling.js';
import { runCommandLine } from './command-line.js';
import { drawEvents } from './draw-events.js';
import { isKhError } from '../core/error.js';
import { exitCodeOf } from './exit-codes.js';
import { flagsOf } from './flags.js';
import type { Io } from './io.js';

const signalCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Runs one command line and ends the process with its exit code. The only file that touches `process`: streams,
 * signals, exit. The first signal cancels, the second ends at once; the phone cleans up by itself when its pipe closes.
 */
export async function main(argv: readonly string[]): Promise<void> {
  optimizeLater();
  const controller = new AbortController();
  let signalled: keyof typeof signalCodes | undefined;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (signalled !== undefined) process.exit(signalCodes[name]);
      signalled = name;
      controller.abort();
    });
  }
  // A reader that has seen enough (`| head -1`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

  const flags = flagsOf(argv);
  const drawing = drawEvents(process.stderr, { ...flags, env: process.env });
  const io: Io = {
    signal: controller.signal,
    onEvent: (event: Event) => drawing.draw(event),
    print(line) {
      // Standard output may be the terminal the status line is on.
      drawing.end();
      process.stdout.write(`${line}\n`);
    },
    note: (line) => drawing.note(line),
    width: process.stdout.isTTY ? process.stdout.columns : undefined,
  };
  let code: number;
  try {
    code = await runCommandLine(argv, io);
  } catch (error) {
    code = await reportFailure(error, flags, io);
  }
  drawing.end();
  const final = signalled !== undefined && code !== 0 ? signalCodes[signalled] : code;
  process.stdout.write('', () => process.exit(final));
}

/**
 * A command lives for half a second, in which optimized code does not earn what its compilation takes from the processors: 35
 * to 50 of a pull's 1290 ms (docs/BENCH.md). Only for the V8 of Node 20, where that was measured: another may not know the flag.
 */
function optimizeLater(): void {
  if (process.versions.v8.startsWith('11.')) setFlagsFromString('--interrupt-budget=1000000');
}

async function reportFailure(
  error: unknown,
  flags: { readonly json: boolean; readonly verbose: boolean },
  io: Io,
): Promise<number> {
  const { renderError, renderErrorJson } = await import('./render-error.js');
  if (flags.json) io.print(renderErrorJson(error));
  if (!flags.json || !isKhError(error)) io.note(renderError(error, flags.verbose));
  return exitCodeOf(error);
}
