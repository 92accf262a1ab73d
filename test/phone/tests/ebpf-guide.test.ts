import assert from 'node:assert/strict';
import { findEbpfTools, withBpftool } from './ebpf-tools.js';
import { followGuide } from './guide.js';
import { phoneTest, useAdbServer } from './phone-test.js';

useAdbServer();

phoneTest('docs/ebpf.md works as written', { arch: 'arm64' }, async (bench) => {
  const path = [await findEbpfTools()];
  await withBpftool(bench, async () => {
    const output = await followGuide(bench, 'ebpf.md', { path });
    assert.match(output, /^\d+ bytes of BPF$/m);
    assert.match(output, /kprobe .*name on_read /);
  });
});
