import assert from 'node:assert/strict';
import type { AdbServer } from '../phone/adb-server.js';
import type { Phone } from '../phone/phone.js';
import { tracing } from '../phone/tests/kernel-events.js';

/**
 * How long each load of kheaders since startCounting() lasted, in milliseconds, by the clock of the phone's own kernel.
 */
export async function readModuleTimes(phone: Phone, server: AdbServer): Promise<readonly number[]> {
  const { stdout } = await phone.root(server, `grep 'module_[a-z]*: kheaders' ${tracing}/trace`);
  const events = [...stdout.matchAll(/ ([0-9]+\.[0-9]+): module_(load|free): kheaders/g)];
  const times: number[] = [];
  let loaded: number | undefined;
  for (const [, seconds, what] of events) {
    if (what === 'load') loaded = Number(seconds);
    else if (loaded !== undefined) times.push((Number(seconds) - loaded) * 1000);
  }
  assert.ok(times.length > 0, 'the kernel saw kheaders come and go');
  return times;
}
