// run-tests.mjs GROUP [FILTER] : runs test/GROUP/**/*.test.ts with node's own runner. Node 20 expands no globs and would
// run helper files too, so the files are listed here. Their files go to memory where there is enough of it: on a disk the
// header trees, of some thousand files each, take most of the time.
import { spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleTests } from './bundle-tests.mjs';

/** Files of the groups, by how long they took. */
const longest = {
  unit: ['publish', 'plain-line', 'scripts', 'image-symbols', 'unwrap', 'check-size', 'check-layers', 'frame-reader'],
  fuzz: ['agent-process', 'agent-link', 'agent-frames'],
  build: ['module', 'failures', 'kbuild', 'legacy', 'guide', 'auto-conf'],
  phone: [
    ...['torture', 'killed', 'check', 'root', 'build', 'refusals', 'layouts', 'ebpf', 'many', 'run', 'guide-module'],
    ...['images', 'pages', 'warm', 'ebpf-guide', 'hosts', 'package'],
  ],
};

const root = fileURLToPath(new URL('..', import.meta.url));
const [group, filter = ''] = process.argv.slice(2);
const folder = join(root, 'test', group ?? '');
const names = await readdir(folder, { recursive: true });
const files = names.filter((name) => name.endsWith('.test.ts') && name.includes(filter)).sort(longestFirst);
if (files.length === 0) {
  console.error(`run-tests: no test file in test/${group} matches ${JSON.stringify(filter)}`);
  process.exit(1);
}
// Node's own choice leaves one processor free, which is half of two. More than four files at once would start too many
// emulated phones: a test has up to three.
const atOnce = Math.min(availableParallelism(), group === 'unit' ? Infinity : 4);
const options = ['--enable-source-maps', '--test', '--test-reporter=spec', `--test-concurrency=${atOnce}`];
// For glibc: buffers in pages of 2 MiB. A process of tests with 250 MB of archives starts a program in 5 ms, in place of 20.
const largePages = { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' };
const work = await makeWorkFolder();
const programs = await mkdtemp(join(root, 'node_modules/.kheaders-tests-'));
const bundled = await bundle().catch(async (error) => {
  await removeFolders();
  throw error;
});
const child = spawn(process.execPath, [...options, ...bundled], {
  stdio: 'inherit',
  cwd: root,
  env: { ...process.env, ...largePages, TMPDIR: work, KHEADERS_TEST_PROGRAMS: programs },
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', async (code, signal) => {
  await removeFolders();
  process.exit(signal === null ? (code ?? 1) : 1);
});

/** What takes longest begins first, so that no processor is left over at the end; what is not named may take long too. */
function longestFirst(a, b) {
  const rank = (name) => (longest[group] ?? []).indexOf(basename(name, '.test.ts'));
  return rank(a) - rank(b) || (a < b ? -1 : 1);
}

async function removeFolders() {
  for (const path of [work, programs]) await rm(path, { recursive: true, force: true }).catch(() => undefined);
}

/** What Node is to run. Programs that a test starts, named so, lie beside (test/support/program.ts). */
async function bundle() {
  await chmod(programs, 0o755);
  const helpers = names.filter((name) => name.endsWith('.program.ts'));
  const sources = [...files, ...helpers].map((name) => join(folder, name));
  const made = (await bundleTests(sources, programs)).slice(0, files.length);
  return makeBatches(made);
}

/**
 * One process for some files: most unit tests take less than Node does to start. Of phone tests there are as many processes as
 * run at once, each of which takes file after file: phones that were started serve the later tests of their process. A file
 * that decides how the others are read is alone.
 */
async function makeBatches(tests) {
  const alone = tests.filter((path) => path.endsWith('/shell-only.test.mjs'));
  const others = tests.filter((path) => !alone.includes(path));
  if (group !== 'phone') return Promise.all(spread(others, group === 'unit' ? 8 : 1).map(writeBatch));
  return Promise.all([...alone.map((path) => writeBatch([path], 0)), ...others.slice(0, atOnce).map(writeLane)]);

  async function writeLane(_none, index) {
    const lane = join(programs, `lane-${index + 1}.mjs`);
    const helper = JSON.stringify(join(root, 'scripts/test-lane.mjs'));
    await writeFile(lane, `import { takeFiles } from ${helper};\ntakeFiles(${JSON.stringify(others)});\n`);
    return lane;
  }
}

/** The long ones are neighbors in the list, and would all be in one process. */
function spread(tests, size) {
  const batches = Array.from({ length: Math.ceil(tests.length / size) }, () => []);
  for (const [index, path] of tests.entries()) batches[index % batches.length].push(path);
  return batches;
}

/** Node runs the files in the order of their names, and says them where one cannot be loaded. */
async function writeBatch(tests, index) {
  const said = tests.map((path) => basename(path, '.test.mjs')).join('+');
  const batch = join(programs, `${String(index).padStart(2, '0')}-${said.slice(0, 200)}.mjs`);
  await writeFile(batch, tests.map((path) => `import ${JSON.stringify(path)};\n`).join(''));
  return batch;
}

/** Where the tests' files go, removed afterwards. */
async function makeWorkFolder() {
  const made = await mkdtemp(join(process.env.TMPDIR ?? (await findMemory()) ?? tmpdir(), 'kheaders-tests-'));
  // As /tmp is: some tests go on as a user who is not root.
  await chmod(made, 0o1777);
  return made;
}

/** A tmpfs with room for several caches, from which programs may be run; undefined where there is none. */
async function findMemory() {
  const place = '/dev/shm';
  const mounts = await readFile('/proc/mounts', 'utf8').catch(() => '');
  const mounted = mounts.match(/^\S+ \/dev\/shm tmpfs (\S+)/m)?.[1]?.split(',') ?? ['noexec'];
  if (mounted.includes('noexec')) return undefined;
  const { bavail, bsize } = await statfs(place);
  return bavail * bsize < 8 * 2 ** 30 ? undefined : place;
}
