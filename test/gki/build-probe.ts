import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Phone } from '../phone/phone.js';
import { runCli } from '../phone/tests/cli.js';
import type { Bench } from '../phone/tests/phone-test.js';

const source = fileURLToPath(new URL('../phone/tests/kh_probe', import.meta.url));

/** The environment in which the compilers of the phone's cache are found, as build/llvm.sh writes it into env.sh. */
function llvmEnv(llvm: string): Record<string, string> {
  const programs = [join(llvm, 'usr/lib/llvm-14/bin'), join(llvm, 'usr/bin'), process.env['PATH'] ?? ''];
  const libraries = [join(llvm, 'usr/lib/x86_64-linux-gnu'), join(llvm, 'usr/lib/llvm-14/lib')];
  return { PATH: programs.join(delimiter), LD_LIBRARY_PATH: libraries.join(delimiter) };
}

/** The tree that kdir makes for a phone; with an image, the CRCs are those of that. */
export async function makeTree({ env }: Bench, phone: Phone, ...more: string[]): Promise<string> {
  const args = ['kdir', '-s', phone.serial, '--kbuild', join(phone.kernelPath, 'source'), ...more];
  const { code, stdout, stderr } = await runCli(args, { ...env, ...llvmEnv(phone.llvmPath!) });
  assert.equal(code, 0, stderr);
  return stdout.trim();
}

/** kdir and build for a phone whose kernel clang built, with the CRCs of its Image; returns the module's path. */
export async function buildProbe(bench: Bench, phone: Phone): Promise<string> {
  const image = join(phone.kernelPath, 'vmlinuz');
  const options = ['-s', phone.serial, '--kbuild', join(phone.kernelPath, 'source'), '--image', image];
  const { folder, env } = bench;
  const tools = { ...env, ...llvmEnv(phone.llvmPath!) };
  await makeTree(bench, phone, '--image', image);
  const work = join(folder, 'kh_probe');
  await cp(source, work, { recursive: true });
  const built = await runCli(['build', work, ...options], tools);
  assert.equal(built.code, 0, built.stdout + built.stderr);
  assert.match(built.stderr, /compiler: Debian clang version 14\.\S+, which built the kernel/);
  return join(work, 'kh_probe.ko');
}
