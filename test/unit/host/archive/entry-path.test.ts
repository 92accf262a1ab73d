import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEntryPath } from '../../../../host/src/archive/entry-path.js';
import { defaultLimits } from '../../../../host/src/archive/limits.js';
import { makeRandom } from '../../../support/archives.js';

const pieces = [
  'a',
  'B7_',
  '.',
  '..',
  '/',
  '//',
  './',
  '-',
  ',',
  '+',
  '~',
  ' ',
  'é',
  '\u202e',
  '\n',
  '.h',
  'x'.repeat(130),
];

test('parseEntryPath judges an ordinary path as if it had looked at every name', () => {
  const random = makeRandom(20_260_103);
  let same = 0;
  for (let round = 0; round < 20_000; round++) {
    const raw = Array.from({ length: 1 + random(8) }, () => pieces[random(pieces.length)]).join('');
    const directory = random(2) === 0;
    // For Windows every name is looked at; its own rules aside the verdict is the same.
    const thorough = parseEntryPath(raw, directory, true, defaultLimits);
    if ('reason' in thorough && thorough.reason === 'windows-name') continue;
    assert.deepEqual(parseEntryPath(raw, directory, false, defaultLimits), thorough, JSON.stringify(raw));
    if ('path' in thorough) same++;
  }
  assert.ok(same > 1000, `${same} paths were accepted`);
});

test('parseEntryPath holds an ordinary path to the limits, too', () => {
  const limits = { ...defaultLimits, pathBytes: 20, componentBytes: 10 };
  const judge = (raw: string) => parseEntryPath(raw, false, false, limits);
  assert.deepEqual(judge('./0123456789/012345678'), { path: '0123456789/012345678' });
  assert.deepEqual(judge('0123456789/0123456789'), { reason: 'path-length' });
  assert.deepEqual(judge('01234567890'), { reason: 'path-length' });
});
