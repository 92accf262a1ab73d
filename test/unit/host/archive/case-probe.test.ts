import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isCaseInsensitive } from '../../../../host/src/archive/case-probe.js';

const root = mkdtempSync(join(tmpdir(), 'kheaders-case-'));
after(() => rmSync(root, { recursive: true }));

test(
  'isCaseInsensitive says no on a Linux file system and leaves nothing behind',
  { skip: process.platform !== 'linux' && 'not Linux' },
  async () => {
    assert.equal(await isCaseInsensitive(root), false);
    assert.deepEqual(readdirSync(root), []);
  },
);

test('isCaseInsensitive fails with a code where it cannot write', async () => {
  await assert.rejects(isCaseInsensitive(join(root, 'gone')), { code: 'cache-unwritable' });
});
