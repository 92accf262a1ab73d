import type { PullResult } from '../../pulling.js';
import type { pullAll } from '../../keeping.js';
import { KhError, pull } from '../../pulling.js';
import { type CommonArguments, registerCommand } from '../command.js';
import { describePull } from '../describe.js';
import { type PullArguments, addDeviceOptions, pullOptionsOf } from '../device-options.js';
import type { Io } from '../io.js';
import { describeError, renderError } from '../render-error.js';
import { withTimeout } from '../with-timeout.js';

interface Arguments extends PullArguments {
  readonly timeout?: number | undefined;
}

export const pullCommand = registerCommand<Arguments>({
  usage: 'pull',
  describe: 'Pull the headers of the attached phone’s kernel; print the path of the tree',
  examples: [
    ['pull', 'The only attached phone; prints the headers folder'],
    ['pull -s 0123456789ABCDEF --no-load', 'Without loading the kheaders module'],
    ['pull --all --json', 'Every phone, one JSON object a line'],
    ['pull --from-image boot.img', 'From an image of the very kernel the phone runs; nothing is loaded'],
  ],
  options: (parser) =>
    addDeviceOptions(parser)
      .option('all', {
        type: 'boolean',
        describe: 'Every ready device; prints serial, tab, path',
        conflicts: ['serial', 'transport-id', 'usb', 'tcp', 'wait', 'from-image'],
      })
      .option('root', {
        choices: ['auto', 'su', 'adb', 'none'] as const,
        describe: 'How to become root [default: auto; only adb restarts adbd]',
      })
      .option('load', { type: 'boolean', default: true, describe: 'Load the module if need be (--no-load: never)' })
      .option('source', {
        array: true,
        choices: ['live', 'module', 'carve'] as const,
        describe: 'Sources to allow [default: all, in this order]',
      })
      .option('force', { type: 'boolean', describe: 'Ask the phone even if the cache has its kernel' })
      .option('from-image', {
        type: 'string',
        requiresArg: true,
        describe: 'Take the headers from this image (see import) if it is of the kernel the phone runs',
      })
      .option('agent', {
        type: 'boolean',
        default: true,
        describe: 'Use the helper program on the phone (--no-agent: its own shell alone)',
      })
      .option('timeout', { type: 'number', requiresArg: true, describe: 'Give up after so many seconds' })
      .option('wait', { type: 'string', describe: 'Wait for the device, for ever or so many seconds (--wait=S)' }),
  run: runPull,
});

async function runPull(args: Arguments & CommonArguments, io: Io): Promise<number> {
  const options = { ...pullOptionsOf(args), onEvent: io.onEvent };
  return withTimeout(io.signal, args.timeout, async (signal) => {
    if (args.all === true) return runAll(args, { ...options, signal }, io);
    const result = await pull({ ...options, signal });
    io.print(args.json ? JSON.stringify(describePull(result)) : result.entry.headers);
    return 0;
  });
}

async function runAll(args: CommonArguments, options: Parameters<typeof pullAll>[0], io: Io): Promise<number> {
  const { pullAll } = await import('../../keeping.js');
  const outcomes = await pullAll(options);
  let failed = 0;
  for (const outcome of outcomes) {
    if ('result' in outcome) io.print(formatOutcome(outcome.result, args.json));
    else {
      failed += 1;
      if (args.json)
        io.print(JSON.stringify({ ok: false, serial: outcome.serial, error: describeError(outcome.error) }));
      else io.note(renderError(outcome.error, args.verbose));
    }
  }
  if (failed === 0) return 0;
  throw new KhError('several-failed', `${failed} of ${outcomes.length} devices failed`);
}

function formatOutcome(result: PullResult, json: boolean): string {
  return json ? JSON.stringify(describePull(result)) : `${result.serial}\t${result.entry.headers}`;
}
