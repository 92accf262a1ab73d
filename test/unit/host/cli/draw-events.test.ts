import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { drawEvents } from '../../../../host/src/cli/draw-events.js';
import type { Event } from '../../../../host/src/core/events.js';

const plain = { quiet: false, verbose: false, color: true, env: {} };

function makeScreen(
  isTTY: boolean,
  change: Partial<typeof plain & { env: Record<string, string> }> = {},
  columns = 80,
) {
  const writes: string[] = [];
  const drawing = drawEvents({ isTTY, columns, write: (text) => writes.push(String(text)) }, { ...plain, ...change });
  return { drawing, text: () => writes.join(''), writes };
}

const read: Event = { kind: 'step', step: 'read', serial: 'A', detail: '/sys/x' };
const progress: Event = { kind: 'progress', step: 'read', serial: 'A', done: 1_000_000, total: 4_000_000 };
const warning: Event = { kind: 'warning', serial: 'A', warning: 'source', message: 'next one' };
const left: Event = { kind: 'warning', warning: 'module-left', message: 'still there' };
const trace: Event = { kind: 'trace', what: 'adb', serial: 'A', text: 'shell:a\n\x1b[31mb' };
const all = [read, progress, warning, trace];

test('drawEvents on no terminal: warnings as lines, no progress, no colour', () => {
  const { drawing, text } = makeScreen(false);
  for (const event of all) drawing.draw(event);
  drawing.end();
  assert.equal(text(), 'warning: A: next one\n');
});

test('drawEvents on a terminal: one status line, rewritten, taken away for lines that stay and at the end', () => {
  const { drawing, text } = makeScreen(true, { env: { NO_COLOR: '1' } });
  drawing.draw(read);
  drawing.draw(warning);
  drawing.draw({ kind: 'step', step: 'check' });
  drawing.end();
  drawing.end();
  const clear = '\r\x1b[K';
  assert.equal(text(), `${clear}A: reading the archive (/sys/x)${clear}warning: A: next one\n${clear}checking${clear}`);
});

test('drawEvents paints on a terminal only, and not with NO_COLOR or --no-color', () => {
  const painted = (isTTY: boolean, change: Parameters<typeof makeScreen>[1]) => {
    const { drawing, text } = makeScreen(isTTY, change);
    drawing.draw(warning);
    return text().includes('\x1b[33m');
  };
  assert.equal(painted(true, {}), true);
  assert.equal(painted(true, { env: { NO_COLOR: '' } }), true);
  assert.equal(painted(true, { env: { NO_COLOR: '1' } }), false);
  assert.equal(painted(true, { color: false }), false);
  assert.equal(painted(false, {}), false);
});

test('drawEvents: no status line on a dumb terminal, with --quiet, or where there are lines anyway', () => {
  for (const change of [{ env: { TERM: 'dumb' } }, { quiet: true }]) {
    const { drawing, text } = makeScreen(true, change);
    drawing.draw(read);
    drawing.draw(progress);
    assert.equal(text(), '');
  }
});

test('drawEvents --quiet keeps silent about all but the state of the phone', () => {
  const { drawing, text } = makeScreen(false, { quiet: true });
  for (const event of [...all, left]) drawing.draw(event);
  assert.equal(text(), 'warning: still there\n');
});

test('drawEvents --verbose shows steps and traces as lines, harmless ones', () => {
  const { drawing, text } = makeScreen(false, { verbose: true });
  for (const event of all) drawing.draw(event);
  assert.equal(text(), 'A: reading the archive (/sys/x)\nwarning: A: next one\n+ A: adb: shell:a\n    \\x1b[31mb\n');
});

test('drawEvents escapes whatever came from a phone', () => {
  const evil = 'x\x1b[31m\r\n\u202e';
  for (const isTTY of [true, false]) {
    const { drawing, text } = makeScreen(isTTY, { verbose: true, env: { NO_COLOR: '1' } });
    drawing.draw({ ...read, serial: evil, detail: evil });
    drawing.draw({ ...warning, serial: evil, message: evil });
    drawing.draw({ ...trace, serial: evil, text: evil });
    assert.doesNotMatch(text().replaceAll('\r\x1b[K', '').replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
  }
});

test('drawEvents cuts the status line to the terminal, or it could not be taken back', () => {
  const { drawing, text } = makeScreen(true, { env: { NO_COLOR: '1' } }, 20);
  drawing.draw({ ...read, detail: 'x'.repeat(100) });
  assert.equal(text(), `\r\x1b[K${'A: reading the archive'.slice(0, 19)}`);
});

test('drawEvents: progress is drawn with its rate, and not more often than ten times a second', (t) => {
  mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
  t.after(() => mock.timers.reset());
  const { drawing, writes } = makeScreen(true, { env: { NO_COLOR: '1' } });
  drawing.draw(read);
  drawing.draw(progress);
  assert.equal(writes.length, 1);
  mock.timers.tick(500);
  for (let n = 0; n < 50; n++) drawing.draw(progress);
  assert.deepEqual(writes.slice(1), ['\r\x1b[KA: reading the archive: 1.00 MB of 4.00 MB, 2.00 MB/s']);
  mock.timers.tick(500);
  drawing.draw({ kind: 'progress', step: 'extract', done: 999 });
  assert.equal(writes[2], '\r\x1b[Kextracting: 999 B');
});
