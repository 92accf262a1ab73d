import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeShellFrame, readShellFrames, shellFrame } from '../../../../host/src/adb/shell-frame.js';
import { chunksOf } from '../../../support/archives.js';

const stream = Buffer.from('\x01\x03\0\0\0a\0b' + '\x02\0\0\0\0' + '\x63\x01\0\0\0?' + '\x03\x01\0\0\0\x2a', 'latin1');
const frames = [
  { id: 1, data: Buffer.from('a\0b') },
  { id: 2, data: Buffer.alloc(0) },
  { id: 0x63, data: Buffer.from('?') },
  { id: 3, data: Buffer.from([42]) },
];

/** The frames; standard output, which comes in pieces, put together again. */
async function readAll(source: AsyncIterable<Buffer>): Promise<{ id: number; data: Buffer }[]> {
  const found: { id: number; data: Buffer }[] = [];
  for await (const { id, data } of readShellFrames(source)) {
    const last = found.at(-1);
    if (id === shellFrame.stdout && last?.id === id) last.data = Buffer.concat([last.data, data]);
    else found.push({ id, data: Buffer.from(data) });
  }
  return found;
}

async function* pieces(...buffers: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* buffers;
}

test('readShellFrames finds the same frames wherever the stream is split', async () => {
  for (let at = 0; at <= stream.length; at++) {
    assert.deepEqual(await readAll(pieces(stream.subarray(0, at), stream.subarray(at))), frames, `split at ${at}`);
  }
  for (const size of [1, 2, 3, 5]) assert.deepEqual(await readAll(chunksOf(stream, size)), frames, `pieces of ${size}`);
});

test('readShellFrames yields what came of standard output, and only whole frames else, of a stream that is cut', async () => {
  const ends = [6, 13, 19, 25];
  for (let keep = 0; keep <= stream.length; keep++) {
    const found = await readAll(pieces(stream.subarray(0, keep)));
    assert.equal(found.length, ends.filter((end) => end <= keep).length, `${keep} bytes`);
    if (keep > 5) assert.deepEqual(found[0], { id: 1, data: stream.subarray(5, Math.min(keep, 8)) });
  }
});

test('readShellFrames copies nothing of standard output', async () => {
  const source = encodeShellFrame(1, Buffer.alloc(300_000, 7));
  const chunks = [source.subarray(0, 5), source.subarray(5, 100_000), source.subarray(100_000)];
  for await (const { data } of readShellFrames(pieces(...chunks))) assert.equal(data.buffer, source.buffer);
});

test('readShellFrames takes what adbd may send and refuses what it never does', async () => {
  const large = Buffer.alloc(16 * 1024 * 1024, 7);
  const [frame] = await readAll(pieces(encodeShellFrame(1, large)));
  assert.ok(frame?.data.equals(large));
  const header = Buffer.from([1, 1, 0, 0, 1]);
  await assert.rejects(readAll(pieces(header)), { code: 'adb-protocol' });
  await assert.rejects(readAll(pieces(Buffer.from('HTTP/1.1 400'))), { code: 'adb-protocol' });
});

test('readShellFrames passes on the failure of its source', async () => {
  const failure = new Error('reset');
  async function* broken(): AsyncGenerator<Buffer> {
    yield stream.subarray(0, 10);
    throw failure;
  }
  await assert.rejects(readAll(broken()), failure);
});

test('encodeShellFrame writes id, length in little endian, content', () => {
  assert.equal(
    encodeShellFrame(shellFrame.stdin, Buffer.alloc(258, 'x')).subarray(0, 6).toString('hex'),
    '000201000078',
  );
  assert.equal(encodeShellFrame(shellFrame.closeStdin).toString('hex'), '0400000000');
});
