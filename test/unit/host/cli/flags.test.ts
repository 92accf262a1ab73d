import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flagsOf } from '../../../../host/src/cli/flags.js';

const none = { json: false, quiet: false, verbose: false, color: true };

test('flagsOf finds the flags wherever they stand, also on a line that cannot be parsed', () => {
  assert.deepEqual(flagsOf([]), none);
  assert.deepEqual(flagsOf(['pull', '--bogus', '--json', '-s', 'x', '-q']), { ...none, json: true, quiet: true });
  assert.deepEqual(flagsOf(['--quiet', '--verbose', '--no-color']), {
    ...none,
    quiet: true,
    verbose: true,
    color: false,
  });
  assert.deepEqual(flagsOf(['-v']), { ...none, verbose: true });
});

test('flagsOf does not look behind --', () => {
  assert.deepEqual(flagsOf(['path', '--', '--json', '-q', '-v', '--no-color']), none);
});
