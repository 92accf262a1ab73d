import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type KernelIdentity, formatBoot, formatIdentity } from '../../../shared/src/identity.js';

const full: Required<KernelIdentity> = {
  release: '6.1.25',
  procVersion: 'Linux version 6.1.25 (x)',
  machine: 'aarch64',
  configSha256: 'c0',
  notesSha256: 'n0',
  fingerprint: 'fp',
  vbmetaDigest: 'vb',
};

test('formatIdentity writes every field, in a fixed order whatever the order given', () => {
  const text = '["6.1.25","Linux version 6.1.25 (x)","aarch64","c0","n0","fp","vb"]';
  assert.equal(formatIdentity(full), text);
  const reversed = Object.fromEntries(Object.entries(full).reverse()) as unknown as KernelIdentity;
  assert.equal(formatIdentity(reversed), text);
});

test('formatIdentity differs as soon as one field does, absent ones included', () => {
  const texts = new Set([formatIdentity(full)]);
  for (const key of Object.keys(full) as (keyof KernelIdentity)[]) {
    texts.add(formatIdentity({ ...full, [key]: 'other' }));
    if (key !== 'release' && key !== 'procVersion' && key !== 'machine') {
      const { [key]: _absent, ...rest } = full;
      texts.add(formatIdentity(rest));
      texts.add(formatIdentity({ ...full, [key]: '' }));
    }
  }
  assert.equal(texts.size, 1 + 7 + 2 * 4);
});

test('formatIdentity keeps neighbouring fields apart', () => {
  const a = formatIdentity({ release: 'a', procVersion: 'b","c', machine: 'd' });
  const b = formatIdentity({ release: 'a","b', procVersion: 'c', machine: 'd' });
  assert.notEqual(a, b);
});

test('formatBoot keeps its fields apart', () => {
  assert.equal(formatBoot({ release: 'r', procVersion: 'v', bootId: 'b' }), '["b","v","r"]');
});
