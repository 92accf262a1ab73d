import assert from 'node:assert/strict';
import { join } from 'node:path';
import { buildStep } from '../assets.js';
import { bpftoolStep, ebpfToolsStep } from '../steps.js';
import type { Bench } from './phone-test.js';

function quiet(): void {}

/** The folder with `bpftrace`, `bpftool`, `clang` and a `python3` that has BCC, unpacked from Debian's packages. */
export async function findEbpfTools(): Promise<string> {
  return join(await buildStep(ebpfToolsStep(), quiet), 'bin');
}

/** Where bpftool is on a phone that withBpftool() has put it on. */
export const phoneBpftool = '/data/local/tmp/bpftool/bpftool';

/** Puts bpftool on the phone, and a file system for pinned programs at /sys/fs/bpf; takes both away after `work`. */
export async function withBpftool(bench: Bench, work: () => Promise<void>): Promise<void> {
  const { phone, server } = bench;
  const folder = join(await buildStep(bpftoolStep(phone.arch), quiet), 'bpftool');
  const pushed = await server.adb('-s', phone.serial, 'push', folder, '/data/local/tmp/');
  assert.equal(pushed.code, 0, pushed.stderr);
  const mounted = await phone.root(server, 'mount -t bpf bpf /sys/fs/bpf');
  assert.equal(mounted.code, 0, mounted.stderr);
  try {
    await work();
  } finally {
    await phone.root(server, 'umount /sys/fs/bpf; rm -r /data/local/tmp/bpftool');
  }
}
