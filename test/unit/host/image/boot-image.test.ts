import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { findBootKernel, measureBootKernel } from '../../../../host/src/image/boot-image.js';
import { makeBootImage } from '../../../support/kernel-image.js';

const kernel = randomBytes(100_000);

for (const [version, pageSize] of [
  [0, 2048],
  [1, 16_384],
  [2, 4096],
  [3, 4096],
  [4, 4096],
] as const) {
  test(`measureBootKernel: with so many bytes of a boot.img v${version} its kernel is whole`, () => {
    const file = makeBootImage(version, kernel, pageSize);
    const enough = measureBootKernel(file.subarray(0, 44))!;
    assert.ok(enough < file.length, 'what follows the kernel is left out');
    assert.ok(kernel.equals(findBootKernel(file.subarray(0, enough))!.kernel));
    assert.throws(() => findBootKernel(file.subarray(0, enough - 1)), { code: 'archive-corrupt' });
  });
}

test('measureBootKernel cannot tell for another file, a part of a header, or one that makes no sense', () => {
  const file = makeBootImage(2, kernel);
  const changed = (at: number, value: number): Buffer => {
    const copy = Buffer.from(file);
    copy.writeUInt32LE(value, at);
    return copy;
  };
  for (const head of [
    kernel,
    file.subarray(0, 43),
    Buffer.alloc(0),
    changed(36, 3000),
    changed(40, 5),
    changed(8, 0),
  ]) {
    assert.equal(measureBootKernel(head), undefined);
  }
  assert.equal(measureBootKernel(changed(8, 0xffffffff)), 0xffffffff + 4096);
});
