import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatPhoneRecord, parsePhoneRecord } from '../../../../host/src/build/phone-record.js';

test('formatPhoneRecord and back', () => {
  const kernel = 'a'.repeat(64);
  const form = { vermagic: '6.1 SMP', structModuleSize: 896, path: '/vendor/lib/modules/x.ko' };
  for (const record of [
    { kernel, asRoot: true, form },
    { kernel, asRoot: false, form: undefined },
  ]) {
    const parsed = parsePhoneRecord(formatPhoneRecord(record));
    assert.deepEqual({ form: undefined, ...parsed }, record);
  }
});

for (const text of [
  '',
  '[]',
  '{}',
  '{"schema":2,"asRoot":true}',
  '{"schema":1}',
  '{"schema":1,"asRoot":true}',
  '{"schema":1,"kernel":"../x","asRoot":true}',
  `{"schema":1,"kernel":"${'a'.repeat(64)}","asRoot":true,"form":1}`,
])
  test(`parsePhoneRecord refuses ${text}`, () => {
    assert.throws(() => parsePhoneRecord(text), { code: 'cache-corrupt' });
  });
