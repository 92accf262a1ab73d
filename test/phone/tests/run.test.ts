import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildFixtures } from '../assets.js';
import { waitFor } from '../wait.js';
import type { CliRun } from './cli.js';
import { type Bench, phoneTest, useAdbServer } from './phone-test.js';

useAdbServer();

type Json = Record<string, any>;
const hello = join(await buildFixtures('x86_64'), 'kh_hello.ko');
/** Line 7 of the end: how long a phone may keep a module whose host is dead. */
const unloadMilliseconds = 5000;

async function isLoaded({ phone, server }: Bench, name = 'kh_hello'): Promise<boolean> {
  return (await phone.root(server, `[ -e /sys/module/${name}/initstate ]`)).code === 0;
}

async function untilLoaded(bench: Bench, run: CliRun): Promise<void> {
  let ended = false;
  void run.done.then(() => (ended = true));
  await waitFor('the module', 60_000, async () => {
    assert.equal(ended, false, `the run ended before it loaded anything: ${run.stderr()}`);
    return (await isLoaded(bench)) || undefined;
  });
}

async function untilGone(bench: Bench): Promise<number> {
  const started = Date.now();
  while (await isLoaded(bench)) {
    assert.ok(Date.now() - started < unloadMilliseconds, 'the module is still loaded');
    await sleep(50);
  }
  return Date.now() - started;
}

/** The same module with some bytes of it changed. */
async function patched({ folder }: Bench, from: string, to: string): Promise<string> {
  assert.equal(from.length, to.length);
  const bytes = await readFile(hello);
  const at = bytes.indexOf(from);
  assert.ok(at >= 0, from);
  bytes.write(to, at, 'latin1');
  const path = join(folder, 'kh_hello.ko');
  await writeFile(path, bytes);
  return path;
}

phoneTest('run loads with parameters, prints the log, and unloads when its time is over', {}, async (bench) => {
  const { phone, server, start } = bench;
  const run = start('run', hello, 'count=3', 'greeting=two words', '--for', '3', '--no-check');
  await untilLoaded(bench, run);
  assert.equal((await phone.shell(server, 'cat /proc/kh_hello')).stdout, 'two words 3\n');
  // Whoever reads the log must not be steered by it.
  await phone.root(server, "printf 'kh: \\033[2J\\t\\377' > /dev/kmsg");
  const { code, stdout, stderr } = await run.done;
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^\[ +\d+\.\d{6}\] kh_hello: loaded, two words 3, no buffer: 1$/m);
  assert.match(stdout, /x1b/);
  assert.match(stdout, /\] kh_hello: unloaded\n$/);
  assert.doesNotMatch(stdout, /[\x00-\x09\x0b-\x1f\x7f]/);
});

phoneTest('run --json prints one object a line', {}, async ({ kheaders }) => {
  const { code, stdout } = await kheaders('run', hello, '--for', '0', '--json', '--no-check');
  assert.equal(code, 0, stdout);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Json);
  const end = lines.pop();
  assert.deepEqual(
    [end?.['kind'], end?.['module'], end?.['unload'], end?.['lines']],
    ['end', 'kh_hello', 'ok', lines.length],
  );
  const texts = lines.map(({ text }) => text as string);
  assert.ok(texts.includes('kh_hello: loaded, hello 1, no buffer: 1') && texts.includes('kh_hello: unloaded'), stdout);
  assert.ok(lines.every(({ kind, sequence, level }) => kind === 'log' && sequence > 0 && level < 8));
});

phoneTest('run stopped by Ctrl-C unloads and succeeds', {}, async (bench) => {
  const run = bench.start('run', hello, '--no-check');
  await untilLoaded(bench, run);
  run.child.kill('SIGINT');
  const { code, stdout, stderr } = await run.done;
  assert.equal(code, 0, stderr);
  assert.equal(await isLoaded(bench), false);
  assert.match(stdout, /kh_hello: unloaded\n$/);
});

phoneTest('run killed with SIGKILL: no module and no file stay on the phone', {}, async (bench) => {
  const { phone, server, start } = bench;
  const waits: number[] = [];
  for (let moment = 0; moment < 6; moment += 1) {
    const run = start('run', hello, '--no-check');
    // Some die before the module is there: then the file that was on its way must not stay.
    if (moment < 3) await untilLoaded(bench, run);
    await sleep(moment * 60);
    run.child.kill('SIGKILL');
    await run.done;
    waits.push(await untilGone(bench));
    const { stdout } = await phone.root(server, 'ls -A /data/local/tmp');
    assert.match(stdout, /^(kheaders-agent-(new-)?[a-z0-9_-]+\n?)*$/, 'nothing of the module is left');
  }
  console.log(`  the module was gone at most ${Math.max(...waits)} ms after its host was killed`);
  assert.equal((await bench.kheaders('run', hello, '--for', '0', '--no-check')).code, 0);
});

phoneTest('run does not touch a module of that name, nor one of another host', {}, async (bench) => {
  const { phone, server, kheaders, start } = bench;
  const first = start('run', hello, '--no-check');
  await untilLoaded(bench, first);
  const second = await kheaders('run', hello, '--no-check', '--for', '0');
  assert.equal(second.code, 23, second.stderr);
  assert.match(second.stderr, /A module named kh_hello is loaded on the phone already.*\[module-refused\]/);
  assert.equal((await phone.shell(server, 'cat /proc/kh_hello')).stdout, 'hello 1\n');
  first.child.kill('SIGINT');
  assert.equal((await first.done).code, 0);
});

phoneTest(
  'run leaves a module alone that was there before',
  {},
  async (bench) => {
    const { code, stderr } = await bench.kheaders('run', hello, '--no-check', '--for', '0');
    assert.equal(code, 23, stderr);
    assert.match(stderr, /loaded on the phone already/);
    assert.equal(await isLoaded(bench), true);
  },
  async ({ server, phone }) => {
    const path = '/data/local/tmp/kh_hello.ko';
    await server.adb('-s', phone.serial, 'push', hello, path);
    assert.equal((await phone.root(server, `insmod ${path} && rm ${path}`)).code, 0);
  },
);

phoneTest('what the kernel says of a module it refuses is told', {}, async (bench) => {
  const { kheaders } = bench;
  const wrong = await kheaders('run', await patched(bench, 'vermagic=6.', 'vermagic=9.'), '--no-check', '--for', '0');
  // With MODVERSIONS the release does not count.
  assert.equal(wrong.code, 0, wrong.stderr);
  const magic = await kheaders('run', await patched(bench, 'SMP', 'smp'), '--no-check', '--for', '0');
  assert.equal(magic.code, 23, magic.stderr);
  assert.match(magic.stderr, /refused to load the module kh_hello .*\[module-refused\]/);
  assert.match(magic.stderr, /kernel: kh_hello: version magic '.* smp .*' should be '.* SMP /);
  const failing = await kheaders('run', hello, 'count=-1', '--no-check', '--json');
  const { error } = JSON.parse(failing.stdout.trim().split('\n').at(-1)!) as { error: Json };
  assert.deepEqual([error['code'], error['details'].reason], ['module-refused', 'errno 34']);
  const odd = await kheaders('run', hello, 'nosuch=1', 'count=x', '--no-check');
  assert.match(odd.stderr, /EINVAL|`x' invalid for parameter `count'/);
});

phoneTest('run asks for what it needs', { su: 'none' }, async ({ kheaders }) => {
  const refused = await kheaders('run', hello, '--no-check');
  assert.equal(refused.code, 20, refused.stderr);
  const parameters = await kheaders('run', hello, 'a b', '--no-check');
  assert.equal(parameters.code, 2, parameters.stderr);
});
