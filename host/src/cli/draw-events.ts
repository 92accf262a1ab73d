import type { Event, Step } from '../pulling.js';
import { printable } from '../core/printable.js';
import { formatBytes } from './format.js';

/** The stream progress is drawn on; a WriteStream of node:tty when it is a terminal. */
interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string | Uint8Array): unknown;
}

interface DrawOptions {
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly color: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Drawing {
  draw(event: Event): void;
  /** Text that stays, above the status line. */
  note(text: string): void;
  /** Takes the status line away; more may be drawn later. */
  end(): void;
}

const stepTexts: Readonly<Record<Step, string>> = {
  connect: 'looking for the device',
  probe: 'asking the phone for its kernel',
  install: 'installing the helper on the phone',
  root: 'becoming root',
  load: 'loading the module',
  read: 'reading the archive',
  unload: 'unloading the module',
  extract: 'extracting',
  check: 'checking',
  publish: 'publishing',
  tools: 'building kbuild’s own programs',
  build: 'building the module',
  facts: 'reading the phone’s kernel and modules',
  run: 'running; Ctrl-C unloads',
};

/** Warnings about the phone's state are shown even with --quiet. */
const loud = new Set(['module-left', 'cleanup']);
const frameMilliseconds = 100;

/** Draws events: one status line that is rewritten, on a terminal only; warnings and traces as lines of their own. */
export function drawEvents(screen: Screen, options: DrawOptions): Drawing {
  const live = screen.isTTY === true && !options.quiet && options.env['TERM'] !== 'dumb';
  const color = options.color && screen.isTTY === true && !options.env['NO_COLOR'];
  const paint = (code: number, text: string): string => (color ? `\x1b[${code}m${text}\x1b[0m` : text);
  const started = new Map<string, number>();
  let shown = false;
  let lastFrame = 0;

  function clear(): void {
    if (shown) screen.write('\r\x1b[K');
    shown = false;
  }
  /** `text` is only made where it is shown: a transfer reports a thousand times. */
  function status(text: () => string, force: boolean): void {
    if (!live) return;
    const now = Date.now();
    if (!force && now - lastFrame < frameMilliseconds) return;
    lastFrame = now;
    screen.write(`\r\x1b[K${paint(2, text().slice(0, (screen.columns ?? 80) - 1))}`);
    shown = true;
  }
  function note(text: string): void {
    clear();
    screen.write(`${text}\n`);
  }

  return {
    note,
    draw(event) {
      if (event.kind === 'output') {
        clear();
        screen.write(event.chunk);
        return;
      }
      if (event.kind === 'warning') {
        if (!options.quiet || loud.has(event.warning)) {
          note(`${paint(33, 'warning:')} ${prefixOf(event)}${printable(event.message, 400)}`);
        }
      } else if (event.kind === 'trace') {
        if (options.verbose) note(paint(2, `+ ${prefixOf(event)}${event.what}: ${printableLines(event.text)}`));
      } else if (event.kind === 'step') {
        started.set(event.step, Date.now());
        if (options.verbose) note(paint(2, formatStep(event)));
        else status(() => formatStep(event), true);
      } else {
        status(() => `${prefixOf(event)}${formatProgress(event, started.get(event.step))}`, false);
      }
    },
    end: clear,
  };
}

function prefixOf({ serial }: Event): string {
  return serial === undefined ? '' : `${printable(serial)}: `;
}

function formatStep(event: Event & { kind: 'step' }): string {
  const detail = event.detail === undefined ? '' : ` (${printable(event.detail)})`;
  return `${prefixOf(event)}${stepTexts[event.step]}${detail}`;
}

function formatProgress(event: Event & { kind: 'progress' }, since: number | undefined): string {
  const seconds = (Date.now() - (since ?? Date.now())) / 1000;
  const rate = seconds > 0.2 ? `, ${formatBytes(event.done / seconds)}/s` : '';
  const total = event.total === undefined ? '' : ` of ${formatBytes(event.total)}`;
  return `${stepTexts[event.step]}: ${formatBytes(event.done)}${total}${rate}`;
}

/** A script as --verbose shows it, to be copied: its lines and backslashes kept, what could steer the terminal escaped. */
function printableLines(text: string): string {
  return text
    .split('\n')
    .map((line) =>
      line
        .split('\\')
        .map((part) => printable(part, 4000))
        .join('\\'),
    )
    .join('\n    ');
}
