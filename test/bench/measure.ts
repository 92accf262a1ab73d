import { spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One command to time; `after` is not timed. */
export interface Timed {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly after?: () => Promise<void>;
}

export interface Pair {
  readonly name: string;
  /** The largest ratio that is good enough. */
  readonly target: number;
  readonly ours: () => Timed;
  readonly theirs: () => Timed;
}

/**
 * Without NODE_EXTRA_CA_CERTS: where a machine sets it, every start of Node parses a bundle of certificates, 40 ms of
 * processor that neither side of a pair has a use for.
 */
const ownEnvironment = { ...process.env, NODE_EXTRA_CA_CERTS: undefined };

/** Runs a command to its end; milliseconds of wall time. Rejects if it fails: a failure must not count as fast. */
export async function runTimed(timed: Timed): Promise<number> {
  const started = process.hrtime.bigint();
  const child = spawn(timed.file, timed.args, {
    env: { ...ownEnvironment, ...timed.env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  const milliseconds = Number(process.hrtime.bigint() - started) / 1e6;
  await timed.after?.();
  if (code !== 0) throw new Error(`${timed.file} ${timed.args.join(' ')} exited ${String(code)}: ${stderr}`);
  return milliseconds;
}

export interface Comparison {
  /** Median milliseconds. */
  readonly ours: number;
  readonly theirs: number;
  /** The median of the ratios round by round, which a drift of the machine's speed leaves alone. */
  readonly ratio: number;
}

/** Runs both sides in turn, each first in every second round; one round before does not count. */
export async function measurePair(pair: Pair, rounds: number): Promise<Comparison> {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const sides = [
      async () => ours.push(await runTimed(pair.ours())),
      async () => theirs.push(await runTimed(pair.theirs())),
    ];
    for (const side of round % 2 === 0 ? sides : sides.reverse()) await side();
  }
  const counted = ours.slice(1).map((value, index) => value / theirs.slice(1)[index]!);
  return { ours: median(ours.slice(1)), theirs: median(theirs.slice(1)), ratio: median(counted) };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

/** Peak resident memory of a Node command in KiB, from a run of its own that is not timed. */
export async function measurePeak(timed: Timed): Promise<number> {
  const file = join(tmpdir(), `kheaders-peak-${process.pid}`);
  const code = `process.on('exit',()=>require('node:fs').writeFileSync(${JSON.stringify(file)},String(process.resourceUsage().maxRSS)))`;
  const hook = `data:text/javascript,import{createRequire}from'node:module';const require=createRequire(${JSON.stringify(`${process.cwd()}/`)});${encodeURIComponent(code)}`;
  await runTimed({ ...timed, args: ['--import', hook, ...timed.args] });
  const peak = Number(await readFile(file, 'utf8'));
  await rm(file, { force: true });
  return peak;
}
