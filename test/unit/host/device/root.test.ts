import assert from 'node:assert/strict';
import { type TestContext, mock, test } from 'node:test';
import { makeAdbServer } from '../../../../host/src/adb/server-connection.js';
import { makeContext } from '../../../../host/src/core/context.js';
import { isKhError } from '../../../../host/src/core/error.js';
import { findRoot } from '../../../../host/src/device/root.js';
import { type ServerScript, type ShellHandler, startScriptedServer } from '../../../support/adb-server-script.js';

const silent = makeContext();
const asked = { policy: 'auto', uid: 2000, su: true } as const;

async function attach(t: TestContext, shell: ShellHandler, script: ServerScript = {}) {
  const scripted = await startScriptedServer(t, { devices: [{ serial: 'A', transportId: 1, shell }], ...script });
  const server = makeAdbServer({ kind: 'tcp', host: '127.0.0.1', port: scripted.port }, {});
  return { scripted, address: { server, serial: 'A', transportId: '1' } };
}

/** A su that takes only commands of one form. */
const suOf =
  (form: RegExp, output = '0\n'): ShellHandler =>
  (shell) => {
    if (form.test(shell.command)) shell.stdout(output);
    shell.exit(form.test(shell.command) ? 0 : 1);
  };

test('findRoot: who is root already is asked nothing', async (t) => {
  const { scripted, address } = await attach(t, () => assert.fail());
  for (const policy of ['auto', 'su', 'none', 'adb'] as const) {
    const { method, wrap } = await findRoot(address, { policy, uid: 0, su: true }, silent);
    assert.equal(method, 'already');
    assert.equal(wrap('x y'), 'x y');
  }
  assert.deepEqual(scripted.requests, []);
});

test('findRoot takes the first form of su that proves uid 0', async (t) => {
  const magisk = await findRoot((await attach(t, suOf(/^su -c 'id -u'$/))).address, asked, silent);
  assert.equal(magisk.method, 'su -c');
  assert.equal(magisk.wrap("echo 'x'"), "su -c 'echo '\\''x'\\'''");
  const aosp = await findRoot((await attach(t, suOf(/^su 0 sh -c 'id -u'$/))).address, asked, silent);
  assert.equal(aosp.method, 'su 0');
  assert.equal(aosp.wrap('x'), "su 0 sh -c 'x'");
});

for (const output of ['2000\n', '', 'root\n', '00\n', '0 0\n']) {
  test(`findRoot does not take ${JSON.stringify(output)} for uid 0`, async (t) => {
    const { address } = await attach(t, suOf(/./, output));
    await assert.rejects(findRoot(address, asked, silent), { code: 'not-root' });
  });
}

test('findRoot tells everything that was tried', async (t) => {
  const { address } = await attach(t, (shell) => (shell.stderr('su: denied\nmore\n'), shell.exit(13)));
  await assert.rejects(findRoot(address, asked, silent), {
    code: 'not-root',
    details: {
      serial: 'A',
      tried: ['adb shell: uid 2000', 'su -c: exit code 13, "su: denied"', 'su 0: exit code 13, "su: denied"'],
    },
  });
});

test('findRoot asks no su where there is none, or none is wanted', async (t) => {
  const { scripted, address } = await attach(t, () => assert.fail());
  for (const request of [{ ...asked, su: false }, { ...asked, policy: 'none' } as const]) {
    await assert.rejects(findRoot(address, request, silent), { code: 'not-root' });
  }
  assert.deepEqual(scripted.requests, []);
});

test('findRoot gives up a su that hangs, hangs up on it, and tries the next form', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  let hung: Promise<void> | undefined;
  const handler: ShellHandler = (shell) => {
    if (hung !== undefined) return suOf(/^su 0 /)(shell);
    hung = shell.wire.closed;
    mock.timers.tick(12_000);
  };
  const { address } = await attach(t, handler);
  assert.equal((await findRoot(address, asked, silent)).method, 'su 0');
  await hung;
});

test('findRoot: every form hangs', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const { address } = await attach(t, () => mock.timers.tick(12_000));
  await assert.rejects(findRoot(address, asked, silent), {
    code: 'not-root',
    details: {
      serial: 'A',
      tried: ['adb shell: uid 2000', 'su -c: no answer within 12 s', 'su 0: no answer within 4 s'],
    },
  });
});

test('findRoot: a cancelled prompt and a lost device are what they are, not a missing root', async (t) => {
  const controller = new AbortController();
  const { address } = await attach(t, () => controller.abort());
  await assert.rejects(findRoot(address, asked, makeContext({ signal: controller.signal })), { code: 'cancelled' });
  const lost = await attach(t, (shell) => shell.cut());
  await assert.rejects(findRoot(lost.address, asked, silent), { code: 'device-lost' });
});

for (const [answer, outcome] of [
  ['restarting adbd as root\n', 'adb root'],
  ['adbd is already running as root\n', 'already'],
  ['adbd cannot run as root in production builds\n', 'not-root'],
  ['ADB Root access is disabled by system setting\n', 'not-root'],
] as const) {
  test(`findRoot by adb: "${answer.trim()}" is ${outcome}`, async (t) => {
    let root = answer.includes('already');
    const { scripted, address } = await attach(t, () => undefined, {
      devices: () => [
        {
          serial: 'A',
          transportId: 1,
          service: (name, wire) => {
            assert.equal(name, 'root:');
            root ||= answer.includes('restarting');
            wire.okay();
            wire.send(answer);
            wire.end();
          },
          shell: (shell) => (shell.stdout(root ? '0\n' : '2000\n'), shell.exit()),
        },
      ],
      intercept: (request, wire) => request.includes(':wait-for-') && (wire.okay(), wire.okay(), true),
    });
    const result = await findRoot(address, { ...asked, policy: 'adb' }, silent).catch((error: unknown) => error);
    if (outcome === 'not-root') {
      assert.ok(isKhError(result, 'not-root'));
      assert.ok(result.details.tried?.[1]?.includes(answer.trim()));
      return;
    }
    assert.equal((result as { method: string }).method, outcome);
    const waits = scripted.requests.filter((request) => request.includes('wait-for'));
    const both = ['host-transport-id:1:wait-for-any-disconnect', 'host-serial:A:wait-for-any-device'];
    assert.deepEqual(waits, outcome === 'adb root' ? both : []);
    // The transport id is another one after a restart; only the serial still names the device.
    assert.equal(
      (result as { address: { transportId?: string } }).address.transportId,
      outcome === 'adb root' ? undefined : '1',
    );
  });
}
