import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

/** The ABIs of the agent, each with Node's name of its processor and the emulator of a program for it. */
export const abis = {
  x86_64: { arch: 'x64', emulator: 'qemu-x86_64-static' },
  'arm64-v8a': { arch: 'arm64', emulator: 'qemu-aarch64-static' },
  'armeabi-v7a': { arch: 'arm', emulator: 'qemu-arm-static' },
  riscv64: { arch: 'riscv64', emulator: 'qemu-riscv64-static' },
} as const;

export type Abi = keyof typeof abis;

/** The ABI of this machine, whose programs need no emulator. */
export const ownAbi = (Object.keys(abis) as Abi[]).find((abi) => abis[abi].arch === process.arch);

/** What a program for an ABI is run by: nothing on its own machine; undefined where there is no emulator. */
export async function findRunner(abi: Abi): Promise<readonly string[] | undefined> {
  if (abi === ownAbi) return [];
  const { stdout } = await run(join(root, 'scripts/qemu-user'));
  const emulator = join(stdout.trim(), abis[abi].emulator);
  return access(emulator).then(
    () => [emulator],
    () => undefined,
  );
}

/**
 * Builds device-agent/test/ENTRY-entry.ts for the agent's engine, runs it, and returns the JSON that it prints. Errors:
 * whatever fails, and anything on standard error.
 */
export async function runEntry(entry: string, abi: Abi, ...args: readonly string[]): Promise<unknown> {
  const runner = await findRunner(abi);
  assert.ok(runner, `no emulator for ${abi}`);
  const name = `test-${entry}-${abi}`;
  const source = join(root, `device-agent/test/${entry}-entry.ts`);
  await run(join(root, 'scripts/build-agent'), ['--entry', source, '--name', name, '--abi', abi]);
  const [file, ...before] = [...runner, join(root, 'device-agent/dist', name)];
  const { stdout, stderr } = await run(file, [...before, ...args], { maxBuffer: 16 * 1024 * 1024 });
  assert.equal(stderr, '');
  return JSON.parse(stdout);
}
