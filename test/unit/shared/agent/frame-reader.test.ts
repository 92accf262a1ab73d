import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameReader } from '../../../../shared/src/agent/frame-reader.js';
import { encodeFrame, frameMagic, junkLimit, payloadLimit } from '../../../../shared/src/agent/frame.js';
import type { Message } from '../../../../shared/src/agent/messages.js';
import { goldenMessages } from '../../../golden/agent-messages.js';
import { checkGolden, checkRefused } from '../../../golden/check.js';
import { formatMessage, toMessage } from '../../../golden/plain.js';
import { readGolden } from '../../../golden/read-golden.js';
import { refusedFrames } from '../../../golden/refused-frames.js';

const magic = Buffer.from(frameMagic);
const ping: Message = { name: 'ping', id: 1, body: {} };
const noFrames = { code: 'bad-frame', message: 'no frames, only text' };

function readAll(bytes: Uint8Array, size: number): string[] {
  const reader = new FrameReader();
  const found: string[] = [];
  for (let at = 0; at < bytes.length; at += size)
    found.push(...reader.push(bytes.subarray(at, at + size)).map(formatMessage));
  assert.ok(reader.begun && reader.atBoundary);
  return found;
}

test('FrameReader reads every golden file, wherever it is cut', () => {
  for (const { key, plain, frame } of readGolden()) assert.deepEqual(checkGolden(plain, frame), [], key);
});

test('FrameReader refuses what no peer may send, wherever it is cut', () => {
  for (const frame of refusedFrames) assert.deepEqual(checkRefused(frame), [], frame.what);
});

test('FrameReader finds all messages of a stream in pieces of any size', () => {
  const messages = Object.values(goldenMessages).map(toMessage);
  const stream = Buffer.concat([magic, ...readGolden().map(({ frame }) => frame)]);
  for (const size of [1, 2, 3, 5, 8, 9, 10, 64, 1000, stream.length])
    assert.deepEqual(readAll(stream, size), messages.map(formatMessage), `pieces of ${size}`);
});

test('FrameReader takes data up to the largest payload', () => {
  const bytes = Buffer.alloc(payloadLimit, 'kheaders-agent\n');
  const message: Message = { name: 'data', id: 4294967295, body: { bytes } };
  const stream = Buffer.concat([magic, encodeFrame(message), encodeFrame(ping)]);
  for (const size of [stream.length, 65_536, 65_537, 4096, 7])
    assert.deepEqual(readAll(stream, size), [message, ping].map(formatMessage), `pieces of ${size}`);
});

test('FrameReader, in pieces: data is handed on as it comes, everything else whole', () => {
  const messages = Object.values(goldenMessages).map(toMessage);
  const large: Message = { name: 'data', id: 7, body: { bytes: Buffer.alloc(payloadLimit, 'kheaders-agent\n') } };
  const all = [...messages, large, ping, large, large];
  const stream = Buffer.concat([magic, ...all.map((message) => encodeFrame(message))]);
  for (const size of [1, 2, 9, 10, 64, 1000, 65_536, stream.length]) {
    const reader = new FrameReader({ inPieces: true });
    const found: Message[] = [];
    for (let at = 0; at < stream.length; at += size) {
      const piece = stream.subarray(at, at + size);
      for (const message of reader.push(piece)) {
        if (message.name === 'data' && message.body.bytes.length > 0)
          assert.equal(message.body.bytes.buffer, piece.buffer);
        found.push(message);
      }
    }
    assert.ok(reader.atBoundary);
    assert.deepEqual(joinData(found), joinData(all), `pieces of ${size}`);
  }
  assert.equal(new FrameReader({ inPieces: true }).push(stream.subarray(0, -1)).at(-1)?.name, 'data');
});

/** Data messages of one id, one after the other, as one. */
function joinData(messages: readonly Message[]): readonly string[] {
  const runs: Message[][] = [];
  for (const message of messages) {
    const run = runs.at(-1);
    const goesOn = message.name === 'data' && run?.[0]?.name === 'data' && run[0].id === message.id;
    if (goesOn) run.push(message);
    else runs.push([message]);
  }
  return runs.map((run) => formatMessage(joinRun(run)));
}

function joinRun(run: readonly Message[]): Message {
  const bytes = run.flatMap((message) => (message.name === 'data' ? [message.body.bytes] : []));
  return bytes.length > 1 ? { name: 'data', id: run[0]!.id, body: { bytes: Buffer.concat(bytes) } } : run[0]!;
}

test('FrameReader skips what comes before the magic', () => {
  const stream = encodeFrame(ping);
  for (const junk of [
    '',
    '\n',
    'k',
    'kk',
    'kheaders',
    'kheaders-agent',
    'kheaders-agent\r\n',
    'kheaders-agenkheaders-agent',
    'kheaders-agent kheaders-agent',
    'kkheaders-agentk',
    'khkhekhea',
    'headers-agent\n',
    'Kheaders-agent\n',
    'WARNING: linker: /system/bin/su: unsupported flags DT_FLAGS_1=0x8000001\n',
    '\0\xff\xfe binary \x01\x02\n',
  ]) {
    const bytes = Buffer.concat([Buffer.from(junk, 'latin1'), magic, stream]);
    for (const size of [1, 2, 3, 7, 14, 15, 16, bytes.length])
      assert.deepEqual(readAll(bytes, size), [formatMessage(ping)], `${JSON.stringify(junk)} in pieces of ${size}`);
  }
});

test('FrameReader begins at the first magic: the second one is a frame, and a bad one', () => {
  const reader = new FrameReader();
  reader.push(magic);
  assert.throws(() => reader.push(magic), { code: 'bad-frame', message: /^a payload of/ });
});

test('FrameReader skips 64 KiB and no byte more, wherever they are cut', () => {
  const longest = Buffer.concat([Buffer.alloc(junkLimit, 'x'), magic, encodeFrame(ping)]);
  for (const size of [1, 100, 16_384, 65_535, 65_536, 65_537, 65_544, longest.length])
    assert.deepEqual(readAll(longest, size), [formatMessage(ping)], `pieces of ${size}`);
  const longer = Buffer.concat([Buffer.alloc(junkLimit + 1, 'x'), magic, encodeFrame(ping)]);
  for (const size of [1, 100, 65_536, 65_537, longer.length])
    assert.throws(() => readAll(longer, size), noFrames, `pieces of ${size}`);
  assert.throws(() => readAll(Buffer.alloc(10_000_000, 'kheaders-agent'), 1_000_000), noFrames);
});

test('FrameReader counts half a magic as junk once it is none', () => {
  const half = Buffer.from('kheaders-agen');
  const junk = Buffer.concat([Buffer.alloc(junkLimit - half.length, 'x'), half]);
  assert.deepEqual(readAll(Buffer.concat([junk, magic, encodeFrame(ping)]), 10), [formatMessage(ping)]);
  const reader = new FrameReader();
  reader.push(Buffer.concat([junk, half]));
  assert.throws(() => reader.push(Buffer.from('!')), noFrames);
});

test('FrameReader says where a stream may end', () => {
  const reader = new FrameReader();
  assert.deepEqual([reader.begun, reader.atBoundary], [false, true]);
  reader.push(magic.subarray(0, 14));
  assert.deepEqual([reader.begun, reader.atBoundary], [false, true]);
  reader.push(magic.subarray(14));
  assert.deepEqual([reader.begun, reader.atBoundary], [true, true]);
  reader.push(Uint8Array.of(0));
  assert.deepEqual([reader.begun, reader.atBoundary], [true, false]);
  assert.deepEqual(reader.push(new Uint8Array(0)), []);
});

test('FrameReader takes nothing after an error, not even what is sound', () => {
  const reader = new FrameReader();
  reader.push(magic);
  const first = failureOf(() => reader.push(Buffer.from('ffffffff0000000000', 'hex')));
  for (const bytes of [encodeFrame(ping), magic, new Uint8Array(0)])
    assert.equal(
      failureOf(() => reader.push(bytes)),
      first,
    );
});

function failureOf(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return assert.fail('no failure');
}

test('FrameReader refuses a length before the payload is there', () => {
  const reader = new FrameReader();
  reader.push(magic);
  reader.push(Buffer.from('ffffffff44000000', 'hex'));
  assert.throws(() => reader.push(Uint8Array.of(0)), { code: 'bad-frame' });
});

test('FrameReader gives data as a part of what was pushed, or as bytes of its own', () => {
  const frame = encodeFrame({ name: 'data', id: 1, body: { bytes: Buffer.from('abc') } });
  const reader = new FrameReader();
  reader.push(magic);
  const [whole] = reader.push(frame);
  assert.ok(whole?.name === 'data' && whole.body.bytes.buffer === frame.buffer);
  reader.push(frame.subarray(0, 11));
  const [pieced] = reader.push(frame.subarray(11));
  assert.ok(pieced?.name === 'data' && pieced.body.bytes.buffer !== frame.buffer);
  frame.fill(0);
  assert.equal(Buffer.from(pieced.body.bytes).toString(), 'abc');
});
