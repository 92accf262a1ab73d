import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pullAll } from '../../../../host/src/lab/pull-all.js';
import type { Event } from '../../../../host/src/core/events.js';
import { startScriptedServer } from '../../../support/adb-server-script.js';
import { temporaryDirectory } from '../../../support/temp.js';
import { phone, sendArchive } from '../../../fault/support/phone-script.js';

test('pullAll: twelve phones of two kernels, in the order of the list, one transfer for each kernel', async (t) => {
  let transfers = 0;
  const phones = Array.from({ length: 12 }, (_, n) =>
    phone(
      {
        probe: { '': [`${String(n % 2).repeat(64)}  /proc/config.gz`], boot: [] },
        onTransfer: (shell) => ((transfers += 1), sendArchive(shell)),
      },
      `P${n}`,
      n + 1,
    ),
  );
  const server = await startScriptedServer(t, { devices: phones });
  const cacheDir = await temporaryDirectory(t);
  const events: Event[] = [];
  const adb = { host: '127.0.0.1', port: server.port };
  const outcomes = await pullAll({ adb, cacheDir, onEvent: (event) => events.push(event) });
  assert.deepEqual(
    outcomes.map(({ serial }) => serial),
    phones.map(({ serial }) => serial),
  );
  const hows = outcomes.map((outcome) => ('result' in outcome ? outcome.result.how : String(outcome.error)));
  assert.equal(hows.filter((how) => how === 'fetched').length, 2, hows.join(' '));
  assert.ok(hows.every((how) => ['fetched', 'shared', 'cached'].includes(how)));
  assert.equal(transfers, 2);
  assert.ok(events.some((event) => 'serial' in event && event.serial === 'P11'));
});

test('pullAll: no device at all', async (t) => {
  const server = await startScriptedServer(t, { devices: [] });
  const options = { adb: { host: '127.0.0.1', port: server.port }, cacheDir: await temporaryDirectory(t) };
  await assert.rejects(pullAll(options), { code: 'no-device', details: { choices: [] } });
});
