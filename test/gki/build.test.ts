import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeContext } from '../../host/src/core/context.js';
import { readImageSymbols } from '../../host/src/image/image-symbols.js';
import { openKernelImage } from '../../host/src/image/kernel-image.js';
import { readModule } from '../../host/src/image/read-module.js';
import type { KernelSymbol } from '../../host/src/image/symbol-table.js';
import { parseSymvers } from '../../host/src/image/symvers.js';
import type { Phone } from '../phone/phone.js';
import { startCli } from '../phone/tests/cli.js';
import { assertSameAsTar } from '../phone/tests/compare.js';
import { type Bench, phoneTest, useAdbServer } from '../phone/tests/phone-test.js';
import { waitFor } from '../phone/wait.js';
import { buildProbe } from './build-probe.js';

useAdbServer();

/** What a phone's kernel may say of a module that is nobody's but ours. */
const allowed = /loading out-of-tree module taints kernel|module verification failed: signature|kh_probe: /;

/** The kernel's own Module.symvers, of its own part alone. */
async function readSymvers(phone: Phone): Promise<readonly KernelSymbol[]> {
  const path = join(phone.kernelPath, 'objects', 'Module.symvers');
  const tables = parseSymvers(await readFile(path, 'utf8'), { path });
  return tables.find(({ exporter }) => exporter === 'vmlinux')!.symbols;
}

/** Every symbol of an image, its CRC, licence and namespace are those of the kernel's own Module.symvers. */
async function compareImage(phone: Phone, path: string): Promise<readonly KernelSymbol[]> {
  const image = await openKernelImage(await readFile(path), makeContext());
  const { symbols, complete } = readImageSymbols(image, { path });
  assert.ok(complete);
  const byName = (list: readonly KernelSymbol[]) => [...list].sort((a, b) => (a.name < b.name ? -1 : 1));
  assert.deepEqual(byName(symbols), byName(await readSymvers(phone)));
  console.log(`  ${image.layers.join(', ')}: ${symbols.length} symbols, 0 differences from Module.symvers`);
  return symbols;
}

/** A CRC from anywhere but the image would be seen here. */
async function compareModule(path: string, symbols: readonly KernelSymbol[]): Promise<void> {
  const { versions } = readModule(await readFile(path));
  const known = new Map(symbols.map(({ name, crc }) => [name, crc]));
  assert.ok(versions && versions.size >= 20, `${versions?.size} versions`);
  for (const [name, crc] of versions) assert.equal(crc, known.get(name), name);
  console.log(`  kh_probe.ko: ${versions.size} CRCs, all from the image`);
}

async function run({ phone, server, env }: Bench, module: string): Promise<void> {
  await phone.root(server, 'dmesg -c > /dev/null');
  const running = startCli(['run', module, 'limit=100000', '-s', phone.serial], env);
  const shown = await waitFor('its /proc file', 90_000, async () => {
    assert.equal(running.child.exitCode, null, running.stderr());
    const { stdout } = await phone.shell(server, 'cat /proc/kh_probe');
    return stdout.includes('and has worked') ? stdout : undefined;
  });
  assert.match(shown, new RegExp(`symbol do_sys_openat2\ncalls [1-9]\\d*\nrelease ${phone.release}\n`));
  running.child.kill('SIGINT');
  const { code, stdout, stderr } = await running.done;
  assert.equal(code, 0, stderr);
  assert.match(stdout, /kh_probe: counts calls of do_sys_openat2\n(.*\n)*.*kh_probe: saw \d+ calls\n/);
  const said = (await phone.root(server, 'dmesg')).stdout.split('\n');
  const about = said.filter((line) => /modul|kh_probe|taint|version/i.test(line));
  assert.deepEqual(
    about.filter((line) => !allowed.test(line)),
    [],
  );
}

for (const [layout, kind] of [
  ['sys', 'module'],
  ['builtin', 'live'],
] as const) {
  phoneTest(
    `pull, kdir, build, check and run on a kernel built by clang, ${layout}`,
    { kernel: 'gki', layout },
    async (bench) => {
      const { phone, kheaders, folder } = bench;
      assert.match(phone.release, /^6\.1\.\d+-android14-11-maybe-dirty$/);
      const pulled = await kheaders('pull', '--json');
      assert.equal(pulled.code, 0, pulled.stderr);
      const json = JSON.parse(pulled.stdout) as Record<string, any>;
      assert.deepEqual([json['release'], json['source'].kind], [phone.release, kind]);
      await assertSameAsTar(json['headers'] as string, phone.archivePath!, folder);

      const symbols = await compareImage(phone, join(phone.kernelPath, 'vmlinuz'));
      await compareImage(phone, phone.bootImagePath);
      const module = await buildProbe(bench, phone);
      await compareModule(module, symbols);
      const checked = await kheaders('check', module, '-s', phone.serial);
      assert.equal(checked.code, 0, checked.stdout + checked.stderr);
      await run(bench, module);
    },
  );
}
