import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findBanner } from '../../../../host/src/image/banner.js';
import { KhError } from '../../../../host/src/core/error.js';
import { banner } from '../../../support/kernel-image.js';

const find = (text: string) => findBanner(Buffer.from(text, 'latin1'));
const release = '6.1.25-android14-11';

test('findBanner gives the release, and the text as /proc/version shows it', () => {
  assert.deepEqual(find(`\0\0${banner}\n\0`), { release, text: banner });
  assert.deepEqual(find(`Linux version %s\0 ${banner}\n\0${banner}\n\0`), { release, text: banner });
});

test('findBanner finds nothing where there is nothing', () => {
  for (const text of [
    '',
    'Linux version ',
    'Linux version 6.1.25 (a@b) (gcc) no number\n',
    banner,
    `${banner}\0`,
    banner.replace(release, '../../etc') + '\n',
    banner.replace('build-user', 'build\x1b[2Juser') + '\n',
    `Linux version 6.1 (${'x'.repeat(600)}) #1\n`,
  ]) {
    assert.equal(find(text), undefined, text);
  }
});

test('findBanner refuses an image that names two kernels', () => {
  const other = banner.replace('#1', '#2');
  assert.throws(
    () => find(`${banner}\n\0${other}\n\0`),
    (error) => error instanceof KhError && error.code === 'archive-corrupt' && error.details.reason === 'banner',
  );
});
