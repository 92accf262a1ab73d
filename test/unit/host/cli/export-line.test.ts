import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { formatExport } from '../../../../host/src/cli/export-line.js';

const awkward = `/a b/'c'/"$HOME"/\\n/\`x\`;*`;

test('formatExport for sh gives a shell the very value', () => {
  const script = `${formatExport('sh', 'X', awkward)}\nprintf %s "$X"`;
  assert.equal(execFileSync('sh', ['-c', script], { encoding: 'utf8' }), awkward);
});

test('formatExport quotes as fish and PowerShell read it', () => {
  assert.equal(formatExport('fish', 'X', `a'b\\c d`), `set -gx X 'a\\'b\\\\c d'`);
  assert.equal(formatExport('pwsh', 'X', `a'b\\c \u2019$d`), `$env:X = 'a''b\\c \u2019\u2019$d'`);
});
