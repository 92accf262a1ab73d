import assert from 'node:assert/strict';
import { cp, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSymbolTables } from '../../../host/src/image/symbol-tables.js';
import { parseSymvers } from '../../../host/src/image/symvers.js';
import { findBuildAssets } from '../assets.js';
import type { Arch } from '../options.js';
import { waitFor } from '../wait.js';
import { type Bench, phoneTest, useAdbServer } from './phone-test.js';

useAdbServer();

const source = fileURLToPath(new URL('kh_probe', import.meta.url));
/** What a phone's kernel may say of a module that is nobody's but ours. */
const allowed = /loading out-of-tree module taints kernel|module verification failed: signature|kh_probe: /;

/** Every CRC read from the phone must be the one of the kernel's own Module.symvers; says how many there were. */
async function compareCrcs({ cache }: Bench, objects: string): Promise<number> {
  const theirs = parseSymvers(await readFile(join(objects, 'Module.symvers'), 'utf8'), { path: 'Module.symvers' });
  const wanted = new Map(theirs.flatMap(({ symbols }) => symbols.map(({ name, crc }) => [name, crc] as const)));
  const extras = join(cache, 'v1', 'extras');
  const found = (await readdir(extras, { recursive: true })).find((name) => name.endsWith('symbols.json'));
  assert.ok(found, 'the phone’s symbols are in the cache');
  const seen = new Set<string>();
  for (const { source: from, symbols } of parseSymbolTables(await readFile(join(extras, found), 'utf8'))) {
    for (const { name, crc } of symbols) {
      if (crc === undefined) continue;
      seen.add(name);
      assert.equal(crc, wanted.get(name), `${name} of ${from.kind} ${from.path}`);
    }
  }
  return seen.size;
}

for (const [arch, ...compiler] of [['x86_64'], ['arm64', '--cross', 'aarch64-linux-gnu-']] as const) {
  const assets = await findBuildAssets(arch satisfies Arch, () => undefined);

  phoneTest(
    `a module is built, judged, run and unloaded with nothing but the phone’s headers, ${arch}`,
    { arch },
    async (bench) => {
      const { kheaders, phone, server, folder, start } = bench;
      const work = join(folder, 'kh_probe');
      await cp(source, work, { recursive: true });
      const built = await kheaders('build', work, '-s', phone.serial, '--kbuild', assets.kernelSource, ...compiler);
      assert.equal(built.code, 0, built.stderr);
      const module = join(work, 'kh_probe.ko');
      assert.ok(built.stdout.includes(module), built.stdout);
      const crcs = await compareCrcs(bench, assets.objects);
      assert.ok(crcs > 5000, `${crcs} CRCs`);

      const checked = await kheaders('check', module, '-s', phone.serial);
      assert.equal(checked.code, 0, checked.stdout + checked.stderr);
      const imports = Number(/imports +(\d+) symbols/.exec(checked.stdout)?.[1]);
      assert.ok(imports >= 20, checked.stdout);
      console.log(
        `  ${arch}: ${crcs} CRCs read from the phone, all as in Module.symvers; the module imports ${imports}`,
      );

      await phone.root(server, 'dmesg -c > /dev/null');
      const run = start('run', module, 'limit=100000', '-s', phone.serial);
      const shown = await waitFor('its /proc file', 90_000, async () => {
        const { stdout } = await phone.shell(server, 'cat /proc/kh_probe');
        return stdout.includes('and has worked') ? stdout : undefined;
      });
      assert.match(shown, new RegExp(`symbol do_sys_openat2\ncalls [1-9]\\d*\nrelease ${phone.release}\n`));
      run.child.kill('SIGINT');
      const { code, stdout, stderr } = await run.done;
      assert.equal(code, 0, stderr);
      assert.match(stdout, /kh_probe: counts calls of do_sys_openat2\n(.*\n)*.*kh_probe: saw \d+ calls\n/);
      const said = (await phone.root(server, 'dmesg')).stdout
        .split('\n')
        .filter((line) => /modul|kh_probe|taint|version/i.test(line));
      assert.deepEqual(
        said.filter((line) => !allowed.test(line)),
        [],
      );
      assert.ok(said.length > 1);
    },
  );
}
