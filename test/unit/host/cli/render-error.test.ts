import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ErrorCode, errorCodes } from '../../../../shared/src/error-code.js';
import { exitCodes } from '../../../../host/src/cli/exit-codes.js';
import { describeError, renderError, renderErrorJson } from '../../../../host/src/cli/render-error.js';
import { type ErrorDetails, KhError } from '../../../../host/src/core/error.js';

const evil = 'a\x1b[31m\n\r\t\x07\x9b\u202e\u2066\u2028b\0';
const hostile: ErrorDetails = {
  serial: evil,
  path: evil,
  devicePath: evil,
  release: evil,
  entry: evil,
  reason: evil,
  output: evil,
  tried: [evil, evil],
  choices: [evil, evil],
  expected: evil,
  actual: evil,
  milliseconds: 1500,
  configLine: evil,
};
const withoutNext: readonly ErrorCode[] = ['cancelled', 'archive-corrupt', 'archive-refused'];

function assertHarmless(lines: readonly string[]): void {
  for (const line of lines) assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
}

for (const code of errorCodes) {
  test(`renderError ${code}: one line that names it, why, and what to type next`, () => {
    const [first = '', ...rest] = renderError(new KhError(code, 'It failed'), false).split('\n');
    assert.equal(first, `kheaders: It failed [${code}]`);
    assertHarmless([first, ...rest]);
    for (const line of rest) assert.match(line, /^ {2,4}\S/);
    const next = rest.filter((line) => line.startsWith('  next: '));
    assert.equal(next.length, withoutNext.includes(code) ? 0 : 1, rest.join('\n'));
    for (const line of rest) assert.doesNotMatch(line, /undefined|NaN|\[object/);
  });

  test(`renderError ${code}: hostile details stay on their line and steer no terminal`, () => {
    const cause = new KhError('device-lost', evil, hostile, new Error(evil));
    const error = new KhError(code, `It failed: ${evil}`, hostile, cause);
    const plain = renderError(error, false).split('\n');
    assertHarmless(plain);
    assert.equal(plain.filter((line) => line.startsWith('kheaders: ')).length, 1);
    for (const line of plain.slice(1)) assert.match(line, /^ {2}\S|^ {4}or: /);
    assertHarmless(renderError(error, true).split('\n'));
  });

  test(`describeError ${code}: code, exit code, facts and advice as JSON`, () => {
    const error = new KhError(code, 'It failed', { serial: 'A', choices: ['x'] });
    const { ok, error: shown } = JSON.parse(renderErrorJson(error)) as { ok: boolean; error: Record<string, unknown> };
    const { next, ...rest } = shown;
    assert.equal(ok, false);
    const details = { serial: 'A', choices: ['x'] };
    assert.deepEqual(rest, { code, exitCode: exitCodes[code], message: 'It failed', details });
    assert.ok(Array.isArray(next));
    assert.equal(renderErrorJson(new KhError(code, evil, hostile)).includes('\n'), false);
  });
}

test('renderError names device and release once', () => {
  const details = { serial: 'PHONE1', release: '6.1.25' };
  const first = (message: string) => renderError(new KhError('timeout', message, details), false).split('\n')[0];
  assert.equal(first('Late'), 'kheaders: Late (device PHONE1, 6.1.25) [timeout]');
  assert.equal(first('PHONE1 is late'), 'kheaders: PHONE1 is late (6.1.25) [timeout]');
  assert.equal(first('6.1.25 on PHONE1 is late'), 'kheaders: 6.1.25 on PHONE1 is late [timeout]');
});

test('renderError: a serial in a command to type is one word', () => {
  const lines = (serial: string) => renderError(new KhError('device-lost', 'Lost', { serial }), false);
  assert.match(lines('192.168.1.7:5555'), /next: kheaders pull -s 192\.168\.1\.7:5555 --wait/);
  assert.match(lines('my phone'), /next: kheaders pull -s 'my phone' --wait/);
  assert.match(lines("x'; rm -rf ~; '"), /next: kheaders pull -s 'x; rm -rf ~; ' --wait/);
  assert.match(lines('$(id)'), /next: kheaders pull -s '\$\(id\)' --wait/);
});

test('renderError shows causes and the stack only with --verbose', () => {
  const error = new KhError('timeout', 'Late', {}, new KhError('device-lost', 'below', {}, new Error('deepest')));
  assert.doesNotMatch(renderError(error, false), /cause|deepest| at /);
  assert.match(renderError(error, true), /\n {2}cause: below\n {2}cause: deepest\n(.*\n)*\s+at .*render-error\.test/);
});

test('renderError and describeError: what was not foreseen is an internal error', () => {
  assert.match(renderError(new TypeError('oops'), false), /^kheaders: internal error: TypeError: oops\n\s+at /);
  assert.equal(renderError('text', false), 'kheaders: internal error: text');
  const internal = (message: string) => ({ code: 'internal', exitCode: 1, message, details: {}, next: [] });
  assert.deepEqual(describeError(new TypeError('oops')), internal('oops'));
  assert.deepEqual(describeError('text'), internal('text'));
});
