import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { runProgram } from '../../../../host/src/core/child-process.js';
import { makeContext } from '../../../../host/src/core/context.js';
import type { Event } from '../../../../host/src/core/events.js';
import { temporaryDirectory } from '../../../support/temp.js';

test('runProgram gives exit code and both outputs, passes words unchanged and traces them', async () => {
  const events: Event[] = [];
  const ctx = makeContext({ onEvent: (event) => events.push(event) });
  const script = 'process.stdout.write(process.argv[1]); process.stderr.write("err"); process.exit(3)';
  const result = await runProgram(process.execPath, ['-e', script, '$(id) "x"'], ctx);
  assert.deepEqual(result, { code: 3, stdout: '$(id) "x"', stderr: 'err' });
  assert.deepEqual(events, [{ kind: 'trace', what: 'run', text: `${process.execPath} -e ${script} $(id) "x"` }]);
});

test('runProgram ends with the program although a daemon of its keeps the pipes', async () => {
  const { code, stdout } = await runProgram('sh', ['-c', 'sleep 300 & echo $!'], makeContext());
  assert.equal(code, 0);
  process.kill(Number(stdout), 'SIGKILL');
});

test('runProgram names a program that is not there, or cannot be run', async (t) => {
  const folder = await temporaryDirectory(t);
  const path = join(folder, 'adb');
  const missing = { code: 'tool-missing', details: { path, reason: 'ENOENT' } };
  await assert.rejects(runProgram(path, [], makeContext()), missing);
  await writeFile(path, 'no program');
  const refused = { code: 'tool-missing', details: { path, reason: 'EACCES' } };
  await assert.rejects(runProgram(path, [], makeContext()), refused);
  await chmod(path, 0o700);
  await assert.rejects(runProgram(folder, [], makeContext()), { code: 'tool-missing' });
});

test('runProgram ends a program when it is cancelled', async () => {
  const controller = new AbortController();
  const running = runProgram('sleep', ['300'], makeContext({ signal: controller.signal }));
  controller.abort();
  await assert.rejects(running, { code: 'cancelled' });
});
