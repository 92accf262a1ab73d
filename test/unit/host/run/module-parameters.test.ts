import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatParameters } from '../../../../host/src/run/module-parameters.js';

test('formatParameters: words as the kernel parses them, spaces in quotes', () => {
  assert.equal(formatParameters([]), '');
  assert.equal(formatParameters(['count=3', 'debug', 'x.dyndbg=+p']), 'count=3 debug x.dyndbg=+p');
  assert.equal(formatParameters(['name=two words', 'empty=']), 'name="two words" empty=');
});

for (const word of ['', '=1', 'a b', '3=x', 'a="x"', 'a=\n', 'a=\0', 'a=é', '-f', 'a=x" b="y'])
  test(`formatParameters refuses ${JSON.stringify(word)}`, () => {
    assert.throws(() => formatParameters([word]), { code: 'usage' });
  });

test('formatParameters refuses more than the helper can hand on', () => {
  assert.throws(() => formatParameters([`a=${'x'.repeat(5000)}`]), { code: 'usage' });
});
