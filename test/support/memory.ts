import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes that are in use in this process. */
export function measureMemory(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/**
 * Something that is kept raises both the least and the median of a quarter of the figures. One of them alone may be off: others
 * in this process have something in hand while it is measured, or have just let go of much. `limit`: bytes by which they may
 * differ.
 */
export function assertSteady(memory: readonly number[], limit = 512 * 1024): void {
  const quarter = Math.floor(memory.length / 4);
  const late = sorted(memory.slice(-quarter));
  const early = sorted(memory.slice(quarter, 2 * quarter));
  const middle = Math.floor(quarter / 2);
  const growth = Math.min(...[0, middle].map((at) => (late[at] ?? 0) - (early[at] ?? 0)));
  assert.ok(growth < limit, `${growth} bytes more: ${memory.join(' ')}`);
}

function sorted(values: readonly number[]): readonly number[] {
  return [...values].sort((a, b) => a - b);
}
