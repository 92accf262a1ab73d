import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteQueue } from '../../../../host/src/archive/byte-queue.js';
import { makeRandom } from '../../../support/archives.js';

function takeText(queue: ByteQueue, count: number): string | undefined {
  const at = queue.take(count);
  return at === undefined ? undefined : queue.bytes.toString('latin1', at, at + count);
}

test('ByteQueue gives pieces of any length from chunks of any length, though one buffer holds all chunks', () => {
  const random = makeRandom(20_260_102);
  for (let round = 0; round < 200; round++) {
    const all = Buffer.from(Array.from({ length: 1 + random(300) }, () => random(256)));
    const queue = new ByteQueue();
    const shared = Buffer.alloc(32);
    let taken = '';
    let count = random(60);
    for (let at = 0, length = 0; at < all.length; at += length) {
      length = Math.min(random(32), all.length - at);
      all.copy(shared, 0, at, at + length);
      queue.push(shared.subarray(0, length));
      for (let piece = takeText(queue, count); piece !== undefined; piece = takeText(queue, count)) {
        taken += piece;
        count = 1 + random(60);
      }
    }
    assert.equal(taken, all.toString('latin1', 0, taken.length));
    assert.ok(all.length - taken.length < count);
  }
});

test('ByteQueue copies nothing that one chunk holds', () => {
  const queue = new ByteQueue();
  const chunk = Buffer.from('abcdef');
  queue.push(chunk);
  assert.equal(queue.take(2), 0);
  assert.equal(queue.take(3), 2);
  assert.equal(queue.bytes, chunk);
  assert.equal(String(queue.takeRest()), 'f');
  assert.equal(queue.take(0), 6);
  assert.equal(queue.take(1), undefined);
});
