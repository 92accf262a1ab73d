/**
 * npm run bench [-- ROUNDS] : speed as ratios, both sides measured in turn in one run on tmpfs, medians of 21
 * rounds, or of ROUNDS, at least 9. The machine may be busy: a ratio of two things measured side by side holds, a time alone does not.
 */
import { mkdtemp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startAdbServer } from '../phone/adb-server.js';
import { exec } from '../phone/exec.js';
import { startPhone } from '../phone/phone.js';
import { bin } from '../phone/tests/cli.js';
import { startCounting } from '../phone/tests/kernel-events.js';
import { measureHello } from './hello-time.js';
import { type Pair, measurePair, measurePeak, median, runTimed } from './measure.js';
import { readModuleTimes } from './module-time.js';
import { makePulls } from './pulls.js';

const rounds = Math.max(9, Number(process.argv[2] ?? 21));
const work = await mkdtemp('/dev/shm/kheaders-bench-');
await using server = await startAdbServer();
await using phone = await startPhone(server, { layout: 'sys' });
const env = { ...server.env, ANDROID_SERIAL: phone.serial, KHEADERS_CACHE: join(work, 'warm') };
const node = process.execPath;
const archive = phone.archivePath ?? '';
const { fresh, clean, cold, recipe } = makePulls(phone, env, work);

const pairs: readonly Pair[] = [
  {
    name: '(a) kheaders pull, cold  /  shell recipe',
    target: 1,
    ours: () => cold(),
    theirs: () => recipe(),
  },
  {
    name: '(b) kheaders pull, warm  /  adb shell uname -r',
    target: 6,
    ours: () => ({ file: node, args: [bin, 'pull'], env }),
    theirs: () => ({ file: 'adb', args: ['shell', 'uname', '-r'], env }),
  },
  {
    name: '(c) kheaders import      /  tar -xJf',
    target: 2.2,
    ours: () => {
      const cache = fresh();
      return {
        file: node,
        args: [bin, 'import', archive],
        env: { ...env, KHEADERS_CACHE: cache },
        after: clean(cache),
      };
    },
    theirs: () => {
      const target = fresh();
      return {
        file: 'sh',
        args: ['-c', `mkdir ${target} && exec tar -C ${target} -xJf ${archive}`],
        env,
        after: clean(target),
      };
    },
  },
  {
    name: '(e) pull with the agent   /  pull --no-agent, both cold',
    target: 1,
    ours: () => cold(),
    theirs: () => cold('--no-agent'),
  },
  {
    name: '(d) kheaders --version   /  node -e 0',
    target: 2,
    ours: () => ({ file: node, args: [bin, '--version'], env }),
    theirs: () => ({ file: node, args: ['-e', '0'], env }),
  },
];

/** (f): the module is there for little longer than its archive takes over the same channel. */
async function compareModuleTime(): Promise<boolean> {
  const copy = '/data/local/tmp/bench-archive';
  await exec('adb', ['push', archive, copy], { env: { ...process.env, ...env } });
  await startCounting(phone, server);
  const transfers: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await runTimed(cold());
    transfers.push(await runTimed({ file: 'sh', args: ['-c', `adb shell -T cat ${copy} >/dev/null`], env }));
  }
  const loaded = median(await readModuleTimes(phone, server));
  await exec('adb', ['shell', 'rm', copy], { env: { ...process.env, ...env } });
  return say('(f) module loaded        /  adb shell cat, same bytes', loaded, median(transfers), 1.25);
}

/** (g): how much longer the helper takes to its first word than a shell that does nothing. */
async function compareHello(): Promise<boolean> {
  const { hello, nothing } = await measureHello(server.port, phone.serial, 'x86_64', rounds);
  const verdict = hello - nothing < 150 ? 'met' : 'MISSED';
  console.log(
    `(g) start to hello ${hello.toFixed(0)} ms, a shell that does nothing ${nothing.toFixed(0)} ms: ` +
      `${(hello - nothing).toFixed(0)} ms beyond it  (target under 150: ${verdict})`,
  );
  return verdict === 'met';
}

function say(name: string, ours: number, theirs: number, target: number): boolean {
  const ratio = ours / theirs;
  const verdict = ratio <= target ? 'met' : 'MISSED';
  console.log(
    `${name}: ${ours.toFixed(0)} ms / ${theirs.toFixed(0)} ms = ${ratio.toFixed(2)}  (target ${target}: ${verdict})`,
  );
  return ratio <= target;
}

try {
  await runTimed({ file: node, args: [bin, 'pull'], env });
  console.log(
    `medians of ${rounds} rounds, in turn, on tmpfs; load before: ${(await readFile('/proc/loadavg', 'utf8')).split(' ')[0]}`,
  );
  let met = true;
  for (const pair of pairs) {
    const { ours, theirs, ratio } = await measurePair(pair, rounds);
    const verdict = ratio <= pair.target ? 'met' : 'MISSED';
    met &&= ratio <= pair.target;
    const peak = await measurePeak(pair.ours());
    console.log(
      `${pair.name}: ${ours.toFixed(0)} ms / ${theirs.toFixed(0)} ms = ${ratio.toFixed(2)}` +
        `  (target ${pair.target}: ${verdict}; peak ${Math.round(peak / 1024)} MiB)`,
    );
  }
  met = (await compareModuleTime()) && met;
  met = (await compareHello()) && met;
  process.exitCode = met ? 0 : 1;
} finally {
  await clean(work)();
}
