// run-tests.mjs GROUP [FILTER] : runs test/GROUP/**/*.test.ts with node's own runner. Node 20 expands no globs and would
// run helper files too, so the files are listed here. Their files go to memory where there is enough of it: on a disk the
// header trees, of some thousand files each, take most of the time.
import { spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, readdir, rm, statfs } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [group, filter = ''] = process.argv.slice(2);
const folder = join(root, 'test', group ?? '');
const names = await readdir(folder, { recursive: true });
const files = names.filter((name) => name.endsWith('.test.ts') && name.includes(filter)).sort();
if (files.length === 0) {
  console.error(`run-tests: no test file in test/${group} matches ${JSON.stringify(filter)}`);
  process.exit(1);
}
// Node's own choice leaves one processor free, which is half of two. More than four files at once would start too many
// emulated phones: a test has up to three.
const atOnce = Math.min(availableParallelism(), group === 'unit' ? Infinity : 4);
const args = ['--import', 'tsx', '--test', '--test-reporter=spec', `--test-concurrency=${atOnce}`];
const memory = process.env.TMPDIR === undefined ? await makeMemoryFolder() : undefined;
const child = spawn(process.execPath, [...args, ...files.map((name) => join(folder, name))], {
  stdio: 'inherit',
  cwd: root,
  env: { ...process.env, ...(memory && { TMPDIR: memory }) },
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', async (code, signal) => {
  if (memory) await rm(memory, { recursive: true, force: true }).catch(() => undefined);
  process.exit(signal === null ? (code ?? 1) : 1);
});

/** A folder on a tmpfs with room for several caches, from which programs may be run; undefined where there is none. */
async function makeMemoryFolder() {
  const place = '/dev/shm';
  const mounts = await readFile('/proc/mounts', 'utf8').catch(() => '');
  const options = mounts.match(/^\S+ \/dev\/shm tmpfs (\S+)/m)?.[1]?.split(',') ?? ['noexec'];
  if (options.includes('noexec')) return undefined;
  const { bavail, bsize } = await statfs(place);
  if (bavail * bsize < 8 * 2 ** 30) return undefined;
  const made = await mkdtemp(join(place, 'kheaders-tests-'));
  // As /tmp is: some tests go on as a user who is not root.
  await chmod(made, 0o1777);
  return made;
}
