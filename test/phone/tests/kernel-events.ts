import assert from 'node:assert/strict';
import type { AdbServer } from '../adb-server.js';
import type { Phone } from '../phone.js';

/** Where the kernel's tracing is. */
export const tracing = '/sys/kernel/tracing';

/**
 * Lets the phone's kernel itself count module loads. Its log does not serve: it tells of the first out-of-tree module
 * after boot and of no other.
 */
export async function startCounting(phone: Phone, server: AdbServer): Promise<void> {
  const script = [
    `cd ${tracing}`,
    'echo 0 > events/enable',
    'echo > trace',
    'echo 1 > events/module/module_load/enable',
    'echo 1 > events/module/module_free/enable',
    'echo 1 > tracing_on',
  ];
  assert.equal((await phone.root(server, script.join(' && '))).code, 0, 'the kernel can trace');
}

/** What happened to kheaders since then, in order. */
export async function readEvents(phone: Phone, server: AdbServer): Promise<readonly ('load' | 'free')[]> {
  const { stdout } = await phone.root(server, `grep 'module_[a-z]*: kheaders' ${tracing}/trace`);
  return [...stdout.matchAll(/module_(load|free): kheaders/g)].map((match) => match[1] as 'load' | 'free');
}

export async function countEvents(phone: Phone, server: AdbServer): Promise<{ loads: number; frees: number }> {
  const events = await readEvents(phone, server);
  const count = (wanted: string): number => events.filter((event) => event === wanted).length;
  return { loads: count('load'), frees: count('free') };
}
