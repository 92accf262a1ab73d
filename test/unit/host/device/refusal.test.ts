import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asRefusal, findErrno } from '../../../../host/src/device/refusal.js';
import { TransferRefusal } from '../../../../host/src/device/transfer-header.js';

/** strerror() of bionic, glibc and musl, where they differ, inside what toybox and busybox write. */
const texts = [
  ['insmod: failed to load /x/kheaders.ko: Operation not permitted', 'EPERM'],
  ['insmod: failed to load /x/kheaders.ko: Permission denied', 'EACCES'],
  ['cat: /sys/kernel/kheaders.tar.xz: Permission denied', 'EACCES'],
  ['insmod: failed to load /x/kheaders.ko: Exec format error', 'ENOEXEC'],
  ["insmod: can't insert '/x/kheaders.ko': Invalid module format", 'ENOEXEC'],
  ['insmod: failed to load /x/kheaders.ko: Key was rejected by service', 'EKEYREJECTED'],
  ['insmod: failed to load /x/kheaders.ko: Required key not available', 'ENOKEY'],
  ['insmod: failed to load /x/kheaders.ko: File exists', 'EEXIST'],
  ['insmod: failed to load /x/kheaders.ko: No such file or directory', 'ENOENT'],
  ["insmod: can't insert '/x/kheaders.ko': Unknown symbol in module", 'ENOENT'],
  ['insmod: failed to load /x/kheaders.ko: Invalid argument', 'EINVAL'],
  ['insmod: failed to load /x/kheaders.ko: Cannot allocate memory', 'ENOMEM'],
  ['insmod: failed to load /x/kheaders.ko: Out of memory', 'ENOMEM'],
  ['insmod: failed to load /x/kheaders.ko: Function not implemented', 'ENOSYS'],
  ['insmod: failed to load /x/kheaders.ko: Bad message', 'EBADMSG'],
  ['cat: read: No such device', 'ENODEV'],
] as const;

for (const [text, errno] of texts) {
  test(`findErrno: ${text.slice(text.lastIndexOf(':') + 2)} is ${errno}`, () => {
    assert.equal(findErrno(text), errno);
  });
}

test('findErrno does not guess', () => {
  for (const text of ['', 'insmod: something new', 'permission', 'ENOENT']) assert.equal(findErrno(text), undefined);
});

test('asRefusal: load and vermagic refuse the module, anything else the read', () => {
  const details = (kind: string, detail: string) => {
    const { code, details: found } = asRefusal(new TransferRefusal(kind, detail), 'A');
    return [code, found];
  };
  assert.deepEqual(details('vermagic', 'seen'), [
    'module-refused',
    { serial: 'A', reason: 'vermagic', output: 'seen' },
  ]);
  assert.deepEqual(details('load', 'x: Operation not permitted'), [
    'module-refused',
    { serial: 'A', reason: 'EPERM', output: 'x: Operation not permitted' },
  ]);
  assert.deepEqual(details('load', 'new'), ['module-refused', { serial: 'A', reason: 'unknown', output: 'new' }]);
  assert.deepEqual(details('read', 'cat: No such device'), [
    'read-refused',
    { serial: 'A', reason: 'ENODEV', output: 'cat: No such device' },
  ]);
  assert.equal(details('frob', '')[0], 'read-refused');
});
