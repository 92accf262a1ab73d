import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFile, cp, mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from '../support/temp.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const abis = ['arm64-v8a', 'armeabi-v7a', 'riscv64', 'x86_64'];
interface Agents {
  agents: Record<string, { sha256: string; size: number }>;
  build: string;
}

function build(tree: string, ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(join(tree, 'scripts/build-agent'), args, { encoding: 'utf8' });
  return { status, stdout, stderr };
}

async function readAgents(tree: string): Promise<Agents> {
  return JSON.parse(await readFile(join(tree, 'device-agent/dist/agents.json'), 'utf8')) as Agents;
}

/** All that a build reads, at another place. */
async function copyTree(to: string): Promise<void> {
  for (const path of ['scripts/build-agent', 'scripts/agent', 'device-agent/src', 'device-agent/native', 'shared']) {
    await cp(join(root, path), join(to, path), { recursive: true });
  }
  for (const path of ['tsconfig.base.json', 'device-agent/tsconfig.json', 'device-agent/package.json']) {
    await cp(join(root, path), join(to, path));
  }
  await symlink(join(root, 'node_modules'), join(to, 'node_modules'));
}

before(() => {
  const { status, stdout, stderr } = build(root);
  assert.deepEqual([status, stdout], [0, ''], stderr);
});

test('agents.json has the digest and the size of every file', async () => {
  const { agents, build } = await readAgents(root);
  assert.deepEqual(Object.keys(agents), abis);
  for (const [abi, { sha256, size }] of Object.entries(agents)) {
    const file = await readFile(join(root, 'device-agent/dist', abi));
    assert.deepEqual([createHash('sha256').update(file).digest('hex'), file.length], [sha256, size]);
    assert.ok(file.includes(build), 'the program knows its own build');
    assert.ok(size < 700_000, `${abi}: ${size}`);
  }
});

test('the files are static and fit for pages of 16 KiB', async () => {
  for (const abi of abis) {
    const headers = parseProgramHeaders(await readFile(join(root, 'device-agent/dist', abi)));
    const [load, interpreter, dynamic] = [1, 3, 2].map((type) => headers.filter((header) => header.type === type));
    assert.deepEqual([interpreter, dynamic], [[], []], abi);
    assert.ok(load!.length >= 2);
    for (const { offset, address, align } of load!) {
      assert.equal(align, 16384, abi);
      assert.equal((address - offset) % 16384, 0, abi);
    }
  }
});

test('a build at another place gives the same bytes, and a second one says and does nothing', async (t) => {
  const tree = await temporaryDirectory(t);
  await copyTree(tree);
  const { status, stderr } = build(tree);
  assert.equal(status, 0, stderr);
  assert.deepEqual(await readAgents(tree), await readAgents(root));
  assert.deepEqual(build(tree), { status: 0, stdout: '', stderr: '' });
});

test('agents of other sources do not stay', async (t) => {
  const tree = await temporaryDirectory(t);
  await copyTree(tree);
  assert.equal(build(tree, '--abi', 'x86_64', '--abi', 'riscv64').status, 0);
  const old = await readAgents(tree);
  assert.deepEqual(Object.keys(old.agents), ['riscv64', 'x86_64']);
  await appendFile(join(tree, 'device-agent/src/agent.ts'), '\nscriptArgs.toString();\n');
  assert.equal(build(tree, '--abi', 'x86_64').status, 0);
  const changed = await readAgents(tree);
  assert.deepEqual(Object.keys(changed.agents), ['x86_64']);
  assert.notEqual(changed.build, old.build);
  assert.deepEqual((await readdir(join(tree, 'device-agent/dist'))).sort(), ['.build', 'agents.json', 'x86_64']);
});

for (const [title, text, problem] of [
  ['a regular expression', 'print(/a/.test(String(scriptArgs)));', /SyntaxError: RegExp are not supported/],
  ['an import that is not there', "import './nowhere.js';", /Could not resolve ".\/nowhere.js"/],
  ["a module of Node's", "import { join } from 'node:path';\njoin();", /Could not resolve "node:path"/],
] as const) {
  test(`build-agent fails for ${title}`, async (t) => {
    const folder = await temporaryDirectory(t);
    await mkdir(join(folder, 'src'));
    const entry = join(folder, 'src/entry.ts');
    await writeFile(entry, text);
    const { status, stderr } = build(root, '--entry', entry, '--name', 'test-failing');
    assert.equal(status, 1);
    assert.match(stderr, problem);
  });
}

for (const args of [
  ['--abi', 'mips'],
  ['--abi', 'toString'],
  ['--entry', 'x.ts'],
  ['--name', 'x'],
  ['--entry', 'x.ts', '--name', '../x'],
  ['--entry', 'x.ts', '--name', 'arm64-v8a'],
  ['--entry', 'x.ts', '--name', 'x', '--abi', 'x86_64', '--abi', 'riscv64'],
  ['x'],
]) {
  test(`build-agent refuses ${args.join(' ')}`, () => {
    const { status, stderr } = build(root, ...args);
    assert.equal(status, 2);
    assert.match(stderr, /^build-agent: .+\n/);
  });
}

interface ProgramHeader {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly align: number;
}

/** The program headers of an ELF file, of 32 or 64 bits, little-endian. */
function parseProgramHeaders(file: Buffer): ProgramHeader[] {
  assert.equal(file.toString('latin1', 0, 4), '\x7fELF');
  const is64 = file[4] === 2;
  const [start, size, count] = is64
    ? [Number(file.readBigUInt64LE(32)), file.readUInt16LE(54), file.readUInt16LE(56)]
    : [file.readUInt32LE(28), file.readUInt16LE(42), file.readUInt16LE(44)];
  return Array.from({ length: count }, (_, at) => {
    const header = file.subarray(start + at * size);
    const wide = (position: number) => Number(header.readBigUInt64LE(position));
    const narrow = (position: number) => header.readUInt32LE(position);
    return is64
      ? { type: narrow(0), offset: wide(8), address: wide(16), align: wide(48) }
      : { type: narrow(0), offset: narrow(4), address: narrow(8), align: narrow(28) };
  });
}
