import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../support/temp.js';
import { ownAbi, runEntry } from './run-entry.js';

test(
  'a module is not loaded anew for who left while it was being unloaded',
  { skip: ownAbi === undefined && 'this machine has no agent of its own' },
  async (t) => {
    assert.ok(ownAbi !== undefined);
    const file = join(await temporaryDirectory(t), 'kheaders.ko');
    await writeFile(file, '');
    assert.deepEqual(await runEntry('holdings', ownAbi, file), ['cancelled', 'cancelled']);
  },
);
