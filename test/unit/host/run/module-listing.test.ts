import assert from 'node:assert/strict';
import { test } from 'node:test';
import { moduleListScript, parseModuleList } from '../../../../host/src/run/module-listing.js';

test('moduleListScript looks below every known folder, through a link', () => {
  assert.match(
    moduleListScript,
    /^find \/system_dlkm\/lib\/modules\/ .*\/vendor\/lib\/modules\/ .* -name '\*\.ko\*' -type f/,
  );
});

test('parseModuleList: the first file of each name, plain paths below known folders alone', () => {
  const lines = [
    '/system_dlkm/lib/modules//6.1/kernel/net/8021q.ko',
    '/vendor/lib/modules/8021q.ko',
    '/vendor/lib/modules/zram.ko.xz\r',
    '/vendor/lib/modules/a b.ko',
    "/vendor/lib/modules/a'b.ko",
    '/vendor/lib/modules/../../x.ko',
    '/data/local/tmp/evil.ko',
    '/vendor/lib/modules/readme.ko.txt',
    'find: /odm: No such file',
  ];
  assert.deepEqual(parseModuleList(lines.join('\n')), [
    '/system_dlkm/lib/modules/6.1/kernel/net/8021q.ko',
    '/vendor/lib/modules/zram.ko.xz',
  ]);
});

test('parseModuleList takes no more than 2000', () => {
  const many = Array.from({ length: 3000 }, (_, index) => `/vendor/lib/modules/m${index}.ko`);
  assert.equal(parseModuleList(many.join('\n')).length, 2000);
});
