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

/** What stays is the least at any time: others in this process may have something in hand while it is measured. */
export function assertSteady(memory: readonly number[]): void {
  const quarter = Math.floor(memory.length / 4);
  const growth = Math.min(...memory.slice(-quarter)) - Math.min(...memory.slice(quarter, 2 * quarter));
  assert.ok(growth < 512 * 1024, `${growth} bytes more: ${memory.join(' ')}`);
}
