import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assertSameAsTar } from './compare.js';
import { hasModule, phoneTest, useAdbServer } from './phone-test.js';

useAdbServer();

/** AT_PAGESZ of the auxiliary vector: pairs of 64-bit numbers, the kernel's word to a program that starts. */
const AT_PAGESZ = 6n;

function readPageSize(vector: string): bigint | undefined {
  const numbers = vector.trim().split(/\s+/).map(BigInt);
  return numbers.find((_, at) => at % 2 === 1 && numbers[at - 1] === AT_PAGESZ);
}

phoneTest('pull on a kernel with pages of 16 KiB', { arch: 'arm64', pages: '16k' }, async (bench) => {
  const { phone, server, kheaders, folder } = bench;
  const ask = async (command: string): Promise<string> => (await phone.shell(server, command)).stdout.trim();
  assert.equal(readPageSize(await ask('od -A n -v -t u8 /proc/self/auxv')), 16384n);
  assert.equal(await ask('grep KernelPageSize /proc/self/smaps | tr -d " " | sort -u'), 'KernelPageSize:16kB');

  const pulled = await kheaders('pull');
  assert.equal(pulled.code, 0, pulled.stderr);
  assert.ok(!(await hasModule(phone)), 'the module is gone');
  const headers = pulled.stdout.trimEnd();
  await assertSameAsTar(headers, phone.archivePath!, folder);
  const config = await readFile(join(headers, 'include/generated/autoconf.h'), 'utf8');
  assert.match(config, /^#define CONFIG_ARM64_16K_PAGES 1$/m);

  const manifest = JSON.parse(await readFile(join(headers, '..', 'manifest.json'), 'utf8')) as Record<string, any>;
  assert.equal(manifest['release'], phone.release);
  assert.equal(manifest['source'].kind, 'module');
});
