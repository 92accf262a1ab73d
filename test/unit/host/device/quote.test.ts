import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { quote } from '../../../../host/src/device/quote.js';

/** Words that mean something to some shell. */
const nasty = [
  '',
  ' ',
  "'",
  "''",
  "it's",
  `"`,
  '\\',
  "\\'",
  '$HOME',
  '$(id)',
  '`id`',
  '${x:-y}',
  '!!',
  '~',
  '*',
  '[a-z]?',
  '{a,b}',
  '#no comment',
  '-n',
  '--',
  'a\nb',
  '\n',
  'a\tb',
  '\r',
  '\x01\x7f',
  'a;b&c|d>e<f(g)',
  '%s %d \\n',
  'é\u202e😀',
  '=x',
  "a'b'c\"d`e`",
];

for (const shell of ['sh', 'bash', 'dash', 'mksh'].filter((name) => spawnSync(name, ['-c', ':']).status === 0)) {
  test(`quote: ${shell} gives back every word unchanged, alone and nested`, () => {
    const print = (words: readonly string[]) => ["printf '%s\\0'", ...words.map(quote)].join(' ');
    const expected = nasty.map((word) => `${word}\0`).join('');
    const run = (script: string) => spawnSync(shell, ['-c', script], { encoding: 'utf8' }).stdout;
    assert.equal(run(print(nasty)), expected);
    assert.equal(run(`${shell} -c ${quote(`${shell} -c ${quote(print(nasty))}`)}`), expected);
  });
}

test('quote refuses NUL, which would end the command', () => {
  assert.throws(() => quote('a\0b'), { code: 'device-failed' });
});
