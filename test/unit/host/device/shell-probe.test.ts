import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { makeAdbServer } from '../../../../host/src/adb/server-connection.js';
import type { ShellProcess } from '../../../../host/src/adb/shell.js';
import { makeContext } from '../../../../host/src/core/context.js';
import { openShellProbe } from '../../../../host/src/device/shell-probe.js';
import { phone } from '../../../fault/support/phone-script.js';
import { startScriptedServer } from '../../../support/adb-server-script.js';

async function open(t: TestContext) {
  const heard: string[] = [];
  const scripted = await startScriptedServer(t, {
    devices: [
      phone({
        onAgent: (shell) =>
          shell.onInput((bytes) => {
            if (bytes === undefined || bytes.length === 0) return;
            heard.push(`${shell.command} < ${bytes.toString()}`);
            shell.stdout('the answer');
            shell.exit(3);
          }),
      }),
    ],
  });
  const server = makeAdbServer({ kind: 'tcp', host: '127.0.0.1', port: scripted.port }, {});
  const probe = await openShellProbe({ server, serial: 'PHONE1' }, [], makeContext());
  t.after(() => probe[Symbol.asyncDispose]());
  return { probe, heard, scripted };
}

async function readAll({ stdout }: ShellProcess): Promise<string> {
  let text = '';
  for await (const chunk of stdout) text += chunk.toString();
  return text;
}

const input = Buffer.from('its input');

test('become: the shell that waits runs a command, and what follows is its input and its output', async (t) => {
  const { probe, heard, scripted } = await open(t);
  const shell = probe.become('exec helper --stdio', input);
  assert.ok(shell !== undefined);
  await probe[Symbol.asyncDispose]();
  assert.deepEqual([await readAll(shell), shell.exit().code], ['the answer', 3]);
  assert.deepEqual(heard, ['exec helper --stdio < its input']);
  assert.equal(scripted.requests.filter((request) => request.startsWith('shell')).length, 1);
  assert.equal(probe.become('again --stdio', input), undefined);
});

test('become: nothing where the probe went on, or was hung up', async (t) => {
  const first = await open(t);
  assert.equal((await first.probe.finish()).identity.machine, 'aarch64');
  assert.equal(first.probe.become('x --stdio', input), undefined);
  const second = await open(t);
  await second.probe[Symbol.asyncDispose]();
  assert.equal(second.probe.become('x --stdio', input), undefined);
  assert.deepEqual([...first.heard, ...second.heard], []);
});
