// run-tests.mjs GROUP [FILTER] : runs test/GROUP/**/*.test.ts with node's own runner. Node 20 expands no globs and would
// run helper files too, so the files are listed here. Phone and fault tests run one file at a time: they share the
// machine's two cores with emulated phones.
import { spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
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
const concurrency = group === 'unit' ? [] : ['--test-concurrency=1'];
const args = ['--import', 'tsx', '--test', '--test-reporter=spec', ...concurrency];
const child = spawn(process.execPath, [...args, ...files.map((name) => join(folder, name))], {
  stdio: 'inherit',
  cwd: root,
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 1));
