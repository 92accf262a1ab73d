import { parseArgs } from 'node:util';
import * as commands from './commands.js';
import {
  ARCHES,
  KERNELS,
  LAYOUTS,
  PAGE_SIZES,
  SU_MODES,
  completeOptions,
  isOneOf,
  kindProblem,
  type Kind,
  type PhoneOptions,
  type PhoneSpec,
} from './options.js';

const USAGE = `usage: scripts/phone COMMAND
  build [--arch A] [--layout L] [--pages P] [--kernel K]
                                     build what is missing (without options: everything with 4k pages and Debian's kernel)
  up [options]                       start a phone; prints lines for eval "$(scripts/phone up)"
  down [NAME…|--all]                 end phones, and the adb server with the last one
  status [--json]
  shell NAME [COMMAND…]
  snapshot save [options]            boot once and keep the state
  snapshot restore [options]         as up, from the kept state
options: --name N --arch x86_64|arm64 --layout sys|proc|legacy|builtin|none --pages 4k|16k (16k: arm64)
  --kernel debian|gki|gki-other (gki: arm64, layouts sys and builtin; gki-other: arm64, sys; built for many minutes, once)
  --su magisk|aosp|deny|hang --no-su --user-build --unauthorized --sig-enforce --count N --memory MiB
`;

const OPTIONS = {
  name: { type: 'string' },
  arch: { type: 'string' },
  layout: { type: 'string' },
  pages: { type: 'string' },
  kernel: { type: 'string' },
  su: { type: 'string' },
  'no-su': { type: 'boolean' },
  'user-build': { type: 'boolean' },
  unauthorized: { type: 'boolean' },
  'sig-enforce': { type: 'boolean' },
  count: { type: 'string' },
  memory: { type: 'string' },
  all: { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];

class UsageError extends Error {}

function report(line: string): void {
  process.stderr.write(`${line}\n`);
}

function choice<T extends string>(name: string, values: readonly T[], text: string | undefined): T | undefined {
  if (text === undefined || isOneOf(values, text)) return text;
  throw new UsageError(`--${name} is one of ${values.join(', ')}`);
}

function count(name: string, text: string | undefined, fallback: number): number {
  const value = text === undefined ? fallback : Number(text);
  if (!Number.isInteger(value) || value < 1) throw new UsageError(`--${name} takes a number`);
  return value;
}

function assertKind(kind: Kind): void {
  const problem = kindProblem(kind);
  if (problem) throw new UsageError(problem);
}

function readOptions(values: Values): PhoneSpec {
  const given: { [K in keyof PhoneOptions]: PhoneOptions[K] | undefined } = {
    name: values.name ?? 'phone',
    arch: choice('arch', ARCHES, values.arch),
    layout: choice('layout', LAYOUTS, values.layout),
    pages: choice('pages', PAGE_SIZES, values.pages),
    kernel: choice('kernel', KERNELS, values.kernel),
    su: values['no-su'] ? 'none' : choice('su', SU_MODES, values.su),
    userBuild: values['user-build'],
    unauthorized: values.unauthorized,
    sigEnforce: values['sig-enforce'],
    memoryMiB: count('memory', values.memory, 256),
  };
  // Names become folders and kernel arguments.
  if (!/^[\w.-]+$/.test(given.name ?? '')) throw new UsageError('--name takes letters, digits, "-", "_" and "."');
  const spec = completeOptions(given as PhoneOptions);
  assertKind(spec);
  return spec;
}

async function up(values: Values, snapshots: boolean): Promise<void> {
  const spec = readOptions(values);
  const wanted = count('count', values.count, 1);
  const names = wanted === 1 ? [spec.name] : Array.from({ length: wanted }, (_, at) => `${spec.name}-${at + 1}`);
  const phones = [];
  for (const name of names) phones.push(await commands.up({ ...spec, name }, snapshots, report));
  process.stdout.write(await commands.exportLines(phones));
}

/** All kinds that the options leave open, without those that do not exist. */
function readKinds(values: Values): Kind[] {
  const pages = choice('pages', PAGE_SIZES, values.pages) ?? '4k';
  const kernel = choice('kernel', KERNELS, values.kernel) ?? 'debian';
  const arch = choice('arch', ARCHES, values.arch);
  const layout = choice('layout', LAYOUTS, values.layout);
  const arches = arch === undefined ? ARCHES : [arch];
  const layouts = layout === undefined ? LAYOUTS : [layout];
  const kinds = arches.flatMap((one) => layouts.map((other) => ({ arch: one, layout: other, pages, kernel })));
  const possible = kinds.filter((kind) => kindProblem(kind) === undefined);
  if (possible.length === 0) kinds.forEach(assertKind);
  return possible;
}

async function build(values: Values): Promise<void> {
  await commands.build(readKinds(values), report);
}

async function down(names: readonly string[], values: Values): Promise<void> {
  if (names.length === 0 && !values.all) throw new UsageError('down takes names or --all');
  await commands.down(values.all ? 'all' : names, report);
}

async function snapshot(action: string | undefined, values: Values): Promise<void> {
  if (action === 'restore') return up(values, true);
  if (action !== 'save') throw new UsageError('snapshot save or snapshot restore');
  report(`phone: ${await commands.saveSnapshot(readOptions(values), report)}`);
}

async function run(argv: string[]): Promise<number> {
  // Everything after the name belongs to the phone's shell, dashes too.
  if (argv[0] === 'shell' && argv[1]) return commands.shell(argv[1], argv.slice(2));
  const { values, positionals } = parseArgs({ args: argv, options: OPTIONS, allowPositionals: true });
  const [command, ...rest] = positionals;
  if (command === 'build') await build(values);
  else if (command === 'up') await up(values, false);
  else if (command === 'down') await down(rest, values);
  else if (command === 'status') process.stdout.write(await commands.status(values.json ?? false));
  else if (command === 'snapshot') await snapshot(rest[0], values);
  else throw new UsageError(command ? `no such command: ${command}` : 'no command');
  return 0;
}

function isUsageError(error: unknown): boolean {
  return error instanceof UsageError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') === true;
}

async function main(): Promise<void> {
  try {
    process.exitCode = await run(process.argv.slice(2));
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    process.stderr.write(isUsageError(error) ? `phone: ${text}\n${USAGE}` : `phone: ${text}\n`);
    process.exitCode = isUsageError(error) ? 2 : 1;
  }
}

void main();
