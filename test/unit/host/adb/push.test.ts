import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { pushFile } from '../../../../host/src/adb/push.js';
import { makeAdbServer } from '../../../../host/src/adb/server-connection.js';
import { makeContext } from '../../../../host/src/core/context.js';
import { takeFile } from '../../../fault/support/phone-script.js';
import { type ScriptedDevice, startScriptedServer } from '../../../support/adb-server-script.js';

const silent = makeContext();

async function attach(t: TestContext, service: NonNullable<ScriptedDevice['service']>) {
  const scripted = await startScriptedServer(t, { devices: [{ serial: 'A', service }] });
  const server = makeAdbServer({ kind: 'tcp', host: '127.0.0.1', port: scripted.port }, {});
  return { scripted, address: { server, serial: 'A' } };
}

for (const size of [0, 1, 65_536, 65_537, 700_001]) {
  test(`pushFile sends ${size} bytes, name and mode, and ends its connection`, async (t) => {
    const bytes = randomBytes(size);
    const taken: { target: string; bytes: Buffer }[] = [];
    const { address, scripted } = await attach(
      t,
      takeFile((file) => void taken.push(file)),
    );
    await pushFile(address, { path: '/data/local/tmp/x', bytes, mode: 0o755 }, silent);
    assert.equal(taken.length, 1);
    assert.equal(taken[0]!.target, `/data/local/tmp/x,33261`);
    assert.ok(bytes.equals(taken[0]!.bytes));
    while (scripted.connections() > 0) await new Promise((resolve) => setImmediate(resolve));
  });
}

test('pushFile: a refusal is device-failed, in the words of the device', async (t) => {
  const { address } = await attach(
    t,
    takeFile(() => "couldn't create file: Permission denied"),
  );
  const file = { path: '/tmp/x', bytes: Buffer.alloc(100_000), mode: 0o755 };
  const details = { serial: 'A', devicePath: '/tmp/x', output: "couldn't create file: Permission denied" };
  await assert.rejects(pushFile(address, file, silent), { code: 'device-failed', details });
});

test('pushFile: a refusal that comes before the data is over, and a connection that ends, are errors', async (t) => {
  const early = await attach(t, (_name, wire) => {
    wire.okay();
    wire.send(Buffer.concat([Buffer.from('FAIL\x04\0\0\0full')]));
    wire.end();
  });
  const file = { path: '/tmp/x', bytes: Buffer.alloc(3_000_000), mode: 0o755 };
  await assert.rejects(pushFile(early.address, file, silent), { code: 'device-failed' });
  for (const last of ['', 'OK', 'OKAY', 'FAIL\x04\0\0\0fu']) {
    const cut = await attach(t, (_name, wire) => (wire.okay(), wire.send(last), wire.end()));
    await assert.rejects(pushFile(cut.address, file, silent), { code: 'device-lost' });
  }
  const refused = await attach(t, (_name, wire) => wire.fail('closed'));
  await assert.rejects(pushFile(refused.address, file, silent), { code: 'device-failed' });
});

test('pushFile, cancelled, hangs up', async (t) => {
  const controller = new AbortController();
  let closed: Promise<void> | undefined;
  const { address } = await attach(t, (_name, wire) => {
    ({ closed } = wire);
    wire.okay();
    wire.onData(() => controller.abort());
  });
  const ctx = makeContext({ signal: controller.signal });
  await assert.rejects(pushFile(address, { path: '/x', bytes: Buffer.alloc(10), mode: 0o755 }, ctx), {
    code: 'cancelled',
  });
  await closed;
});

test('pushFile: a path that adbd would refuse is not sent', async (t) => {
  const { address, scripted } = await attach(t, () => undefined);
  const file = { path: `/${'x'.repeat(1024)}`, bytes: Buffer.alloc(1), mode: 0o755 };
  await assert.rejects(pushFile(address, file, silent), { code: 'device-failed' });
  assert.deepEqual(scripted.requests, []);
});
