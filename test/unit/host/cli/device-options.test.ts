import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DeviceArguments, pullOptionsOf, selectorOf, serverOf } from '../../../../host/src/cli/device-options.js';

test('selectorOf takes one way to name a device, or none', () => {
  const table: readonly [DeviceArguments, object | undefined][] = [
    [{}, undefined],
    [{ usb: false, tcp: false }, undefined],
    [{ serial: 'a b:1' }, { kind: 'serial', serial: 'a b:1' }],
    [{ serial: '' }, { kind: 'serial', serial: '' }],
    [{ transportId: '7' }, { kind: 'transport', transportId: '7' }],
    [{ usb: true }, { kind: 'usb' }],
    [{ tcp: true }, { kind: 'tcp' }],
  ];
  for (const [args, selector] of table) assert.deepEqual(selectorOf(args), selector);
});

test('selectorOf refuses two ways at once', () => {
  const all: DeviceArguments = { serial: 'a', transportId: '1', usb: true, tcp: true };
  const names = Object.keys(all) as (keyof DeviceArguments)[];
  for (const one of names) {
    for (const other of names.filter((name) => name !== one)) {
      assert.throws(() => selectorOf({ [one]: all[one], [other]: all[other] }), { code: 'usage' }, `${one} ${other}`);
    }
  }
});

test('serverOf keeps what was given and nothing else', () => {
  assert.deepEqual(serverOf({ host: 'h', port: 1, serial: 's' }), { host: 'h', port: 1, socket: undefined });
});

test('pullOptionsOf: --no-load takes the module out of whatever is allowed', () => {
  const sources = (args: Parameters<typeof pullOptionsOf>[0]) => pullOptionsOf(args).sources;
  assert.deepEqual(sources({}), ['live', 'module', 'carve']);
  assert.deepEqual(sources({ load: false }), ['live', 'carve']);
  assert.deepEqual(sources({ source: ['module', 'carve'], load: false }), ['carve']);
  assert.deepEqual(sources({ source: ['carve'] }), ['carve']);
});

test('pullOptionsOf: --wait is for ever, or seconds', () => {
  const wait = (text?: string) => pullOptionsOf({ wait: text }).waitSeconds;
  assert.deepEqual([wait(), wait(''), wait('0'), wait('1.5')], [undefined, Infinity, 0, 1.5]);
  for (const text of ['x', '-1', 'Infinity', 'NaN', '1s']) assert.throws(() => wait(text), { code: 'usage' }, text);
});

test('pullOptionsOf: --no-agent is the library’s `agent: false`', () => {
  assert.equal(pullOptionsOf({}).agent, undefined);
  assert.equal(pullOptionsOf({ agent: true }).agent, true);
  assert.equal(pullOptionsOf({ agent: false }).agent, false);
});
