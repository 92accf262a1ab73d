import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { findAgents, listAgentPaths, parseAgents } from '../../../../host/src/device/agent-files.js';
import { temporaryDirectory } from '../../../support/temp.js';

const [a64, b64] = ['a'.repeat(64), 'b'.repeat(64)];
const good = { build: '0123', agents: { riscv64: { sha256: b64, size: 2 }, 'arm64-v8a': { sha256: a64, size: 1 } } };

test('parseAgents reads what scripts/build-agent writes, the likeliest phone first', () => {
  assert.deepEqual(
    { ...parseAgents(good, () => '/dist'), folder: '/dist' },
    {
      build: '0123',
      files: [
        { abi: 'arm64-v8a', sha256: a64, size: 1, name: `kheaders-agent-arm64-v8a-${'a'.repeat(16)}` },
        { abi: 'riscv64', sha256: b64, size: 2, name: `kheaders-agent-riscv64-${'b'.repeat(16)}` },
      ],
      folder: '/dist',
    },
  );
});

test('parseAgents: what is anything else names no agents', () => {
  const entry = { sha256: a64, size: 1 };
  for (const json of [
    null,
    undefined,
    7,
    'x',
    [],
    {},
    { agents: good.agents },
    { build: 'x' },
    { build: 'x', agents: {} },
  ])
    assert.equal(
      parseAgents(json, () => '/'),
      undefined,
    );
  for (const agents of [
    { '../x': entry },
    { "a'b": entry },
    { x86_64: null },
    { x86_64: { size: 1 } },
    { x86_64: { sha256: 'abc', size: 1 } },
    { x86_64: { sha256: a64, size: '1' } },
  ])
    assert.equal(
      parseAgents({ build: 'x', agents }, () => '/'),
      undefined,
      JSON.stringify(agents),
    );
});

test('findAgents takes the folder it is given, and none where that has none', async (t) => {
  const folder = await temporaryDirectory(t);
  assert.equal(findAgents(folder), undefined);
  await writeFile(join(folder, 'agents.json'), 'no JSON');
  assert.equal(findAgents(folder), undefined);
  await writeFile(join(folder, 'agents.json'), JSON.stringify(good));
  assert.equal(findAgents(folder)?.folder(), folder);
});

test('listAgentPaths: plain words, the usual folder first', () => {
  const paths = listAgentPaths(parseAgents(good, () => '/'));
  assert.deepEqual(
    paths.map((path) => path.replace(/-[ab]{16}$/, '')),
    ['/data/local/tmp', '/tmp'].flatMap((folder) => [
      `${folder}/kheaders-agent-arm64-v8a`,
      `${folder}/kheaders-agent-riscv64`,
    ]),
  );
  for (const path of paths) assert.match(path, /^[a-z0-9/_-]+$/);
  assert.deepEqual(listAgentPaths(undefined), []);
});
