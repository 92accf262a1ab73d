import assert from 'node:assert/strict';
import { test } from 'node:test';
import { once } from 'node:events';
import { readStatus, readValue } from '../../../../host/src/adb/smart-socket.js';
import { openDeviceService, waitForState } from '../../../../host/src/adb/device-service.js';
import { makeAdbServer, openHostService, openLink, readHostValue } from '../../../../host/src/adb/server-connection.js';
import { makeContext } from '../../../../host/src/core/context.js';
import { isKhError } from '../../../../host/src/core/error.js';
import type { Event } from '../../../../host/src/core/events.js';
import { type ScriptedServer, startScriptedServer } from '../../../support/adb-server-script.js';

const connectTo = ({ port }: ScriptedServer) => makeAdbServer({ kind: 'tcp', host: '127.0.0.1', port }, {});
const silent = makeContext();

test('writeRequest counts bytes, not characters, and refuses what four hex digits cannot say', async (t) => {
  const scripted = await startScriptedServer(t, { intercept: (_request, wire) => (wire.okay(), true) });
  const server = connectTo(scripted);
  const longest = `host:${'é'.repeat(0xffff / 2 - 2)}`;
  assert.equal(Buffer.byteLength(longest), 0xffff);
  for (const request of ['host:é ü\n', longest]) {
    (await openHostService(server, request, silent)).socket.destroy();
  }
  await assert.rejects(openHostService(server, `${longest}x`, silent), { code: 'adb-protocol' });
  assert.deepEqual(scripted.requests, ['host:é ü\n', longest]);
});

for (const pieceBytes of [1, 3, undefined]) {
  test(`readStatus and readHostValue take answers in pieces of ${pieceBytes ?? 'any'} bytes`, async (t) => {
    const scripted = await startScriptedServer(t, {
      ...(pieceBytes && { pieceBytes }),
      intercept(request, wire) {
        if (request === 'host:good') wire.okay();
        if (request === 'host:good') wire.value('Grüße\n');
        else wire.fail('more than one device/emulator');
        return true;
      },
    });
    const server = connectTo(scripted);
    assert.equal(await readHostValue(server, 'host:good', silent), 'Grüße\n');
    await assert.rejects(readHostValue(server, 'host:bad', silent), { code: 'ambiguous-device' });
  });
}

test('readHostValue: every way of breaking off has its code', async (t) => {
  const answers: Readonly<Record<string, string>> = {
    a: '',
    b: 'OK',
    c: 'FAIL00',
    d: 'NOPE',
    e: 'OKAY',
    f: 'OKAY0005ab',
  };
  const scripted = await startScriptedServer(t, {
    intercept: (request, wire) => (wire.send(answers[request.slice(5)] ?? ''), wire.end(), true),
  });
  const codes: Record<string, unknown> = {};
  for (const name of Object.keys(answers)) {
    codes[name] = await readHostValue(connectTo(scripted), `host:${name}`, silent).catch(
      (error: unknown) => isKhError(error) && error.code,
    );
  }
  assert.deepEqual(codes, {
    a: 'device-lost',
    b: 'device-lost',
    c: 'device-lost',
    d: 'adb-protocol',
    e: 'adb-protocol',
    f: 'adb-protocol',
  });
});

for (const [name, answer] of Object.entries({
  'before the status': '',
  'before the value': 'OKAY',
  'in the value': 'OKAY0005ab',
})) {
  test(`readHostValue, cancelled ${name}, ends with \`cancelled\` and hangs up`, async (t) => {
    const controller = new AbortController();
    let closed: Promise<void> | undefined;
    const scripted = await startScriptedServer(t, {
      intercept(_request, wire) {
        ({ closed } = wire);
        wire.send(answer);
        // Late enough for the client to have taken what there is; an early abort would only prove less.
        setTimeout(() => controller.abort(), 50);
        return true;
      },
    });
    const ctx = makeContext({ signal: controller.signal });
    await assert.rejects(readHostValue(connectTo(scripted), 'host:x', ctx), { code: 'cancelled' });
    await closed;
  });
}

for (const read of [readStatus, readValue]) {
  test(`${read.name} sees an end that came before it was called`, { timeout: 20_000 }, async (t) => {
    const alive = setInterval(() => undefined, 1000);
    t.after(() => clearInterval(alive));
    const server = connectTo(await startScriptedServer(t, {}));
    for (const closed of [true, false]) {
      const link = await openLink(server, silent);
      link.socket.destroy();
      if (closed) await once(link.socket, 'close');
      await assert.rejects(read(link));
    }
  });
}

test('openDeviceService names the transport by id where it is known, else by serial', async (t) => {
  const service = (_name: string, wire: { okay(): void }): void => wire.okay();
  const scripted = await startScriptedServer(t, { devices: [{ serial: 'a b:1', transportId: 7, service }] });
  const server = connectTo(scripted);
  const events: Event[] = [];
  const ctx = makeContext({ onEvent: (event) => events.push(event) });
  for (const transportId of ['7', undefined]) {
    (await openDeviceService({ server, serial: 'a b:1', transportId }, 'root:', ctx)).socket.destroy();
  }
  const requests = ['host:transport-id:7', 'root:', 'host:transport:a b:1', 'root:'];
  assert.deepEqual(scripted.requests, requests);
  assert.deepEqual(
    events,
    requests.map((text) => ({ kind: 'trace', what: 'adb', text })),
  );
  await assert.rejects(openDeviceService({ server, serial: 'c' }, 'root:', ctx), {
    code: 'no-device',
    details: { serial: 'c', output: "device 'c' not found" },
  });
});

test('waitForState takes the second OKAY as the event, and can be cancelled before it', async (t) => {
  const controller = new AbortController();
  const scripted = await startScriptedServer(t, {
    intercept(request, wire) {
      wire.okay();
      if (request.endsWith('-device')) wire.okay();
      else setImmediate(() => controller.abort());
      return true;
    },
  });
  const address = { server: connectTo(scripted), serial: 'A', transportId: '7' };
  await waitForState(address, 'device', silent);
  const ctx = makeContext({ signal: controller.signal });
  await assert.rejects(waitForState(address, 'disconnect', ctx), { code: 'cancelled' });
  assert.deepEqual(scripted.requests, [
    'host-serial:A:wait-for-any-device',
    'host-transport-id:7:wait-for-any-disconnect',
  ]);
});
