import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseVermagic, readModinfo } from '../../../../host/src/image/modinfo.js';

// readModinfo() of a real module is in carve-module.test.ts, which builds one.

test('readModinfo refuses what is not ELF', () => {
  assert.throws(() => readModinfo(Buffer.from('text')), { code: 'archive-corrupt' });
});

test('parseVermagic parts the release from the options', () => {
  assert.deepEqual(parseVermagic('6.1.25-android14-11 SMP preempt mod_unload modversions aarch64'), {
    release: '6.1.25-android14-11',
    rest: 'SMP preempt mod_unload modversions aarch64',
  });
  assert.deepEqual(parseVermagic('5.10.0 '), { release: '5.10.0', rest: '' });
});

for (const text of ['', ' ', '../x SMP', '\x1b[2J SMP']) {
  test(`parseVermagic finds none in ${JSON.stringify(text)}`, () => assert.equal(parseVermagic(text), undefined));
}
