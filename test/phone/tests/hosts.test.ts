import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type AdbServer, startAdbServer } from '../adb-server.js';
import { runCli } from './cli.js';
import { readEvents, startCounting } from './kernel-events.js';
import { type Bench, byMode, phoneTest, useAdbServer } from './phone-test.js';

useAdbServer();

/** How long; the issue's own figure is 120. */
const seconds = Number(process.env['KHEADERS_HOSTS_SECONDS'] ?? 20);

interface Tally {
  readonly pulls: number;
  readonly warnings: readonly string[];
  readonly digests: ReadonlySet<string>;
}

/** One host: an adb server and a cache of its own, pulling again and again. */
async function pullInLoop(bench: Bench, server: AdbServer, name: string, until: number): Promise<Tally> {
  const env = { ...server.env, ANDROID_SERIAL: bench.phone.serial, KHEADERS_CACHE: join(bench.folder, name) };
  const digests = new Set<string>();
  const warnings: string[] = [];
  let pulls = 0;
  while (Date.now() < until) {
    const { code, stdout, stderr } = await runCli(byMode(['pull', '--force']), env);
    assert.equal(code, 0, `${name}, pull ${pulls}: ${stderr}`);
    warnings.push(...stderr.split('\n').filter((line) => line.includes('warning')));
    const archive = await readFile(join(stdout.trim(), '../kheaders.tar.xz'));
    digests.add(createHash('sha256').update(archive).digest('hex'));
    pulls += 1;
  }
  return { pulls, warnings, digests };
}

phoneTest(`three hosts pull from one phone for ${seconds} s`, { layout: 'sys' }, async (bench) => {
  const { phone, server } = bench;
  await using second = await startAdbServer();
  await using third = await startAdbServer();
  for (const other of [second, third]) await phone.connect(other);
  await startCounting(phone, server);
  const until = Date.now() + seconds * 1000;
  const tallies = await Promise.all(
    [server, second, third].map((one, index) => pullInLoop(bench, one, `host-${index}`, until)),
  );
  for (const other of [second, third]) await phone.disconnect(other);
  const pulls = tallies.reduce((sum, tally) => sum + tally.pulls, 0);
  const events = await readEvents(phone, server);
  const loads = events.filter((event) => event === 'load').length;
  console.log(`  ${pulls} pulls, ${loads} loads`);
  assert.deepEqual(
    tallies.flatMap(({ warnings }) => warnings),
    [],
    'nobody had the module taken from under him',
  );
  assert.equal(new Set(tallies.flatMap(({ digests }) => [...digests])).size, 1, 'all read the same bytes');
  events.forEach((event, index) => assert.equal(event, index % 2 === 0 ? 'load' : 'free', 'loaded once per overlap'));
  assert.equal(events.at(-1), 'free');
  assert.ok(loads <= pulls, 'overlapping pulls share a load');
});
