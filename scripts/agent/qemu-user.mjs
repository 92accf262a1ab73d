// The command of scripts/qemu-user.
import { delimiter, join } from 'node:path';
import { ensure, exists, keyOf, withTemporary } from './cache.mjs';
import { unpack, withDebian } from './debian.mjs';

const PACKAGES = ['qemu-user-static/bookworm'];
const PROGRAMS = ['arm', 'aarch64', 'riscv64'].map((name) => `qemu-${name}-static`);
const CHOICE = PROGRAMS.map((name) => `./usr/bin/${name}`);

try {
  console.log((await findInstalled()) ?? (await ensureUnpacked()));
} catch (error) {
  console.error(`qemu-user: ${error.message}`);
  process.exitCode = 1;
}

async function findInstalled() {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const found = await Promise.all(PROGRAMS.map((name) => exists(join(folder, name))));
    if (folder !== '' && !found.includes(false)) return folder;
  }
  return undefined;
}

async function ensureUnpacked() {
  const folder = await ensure(`qemu-user-${keyOf(...PACKAGES, ...CHOICE)}`, async (made) => {
    await withDebian([], (download) =>
      withTemporary(async (archives) => {
        await download('download', archives, PACKAGES);
        await unpack(archives, PACKAGES, made, CHOICE);
      }),
    );
  });
  return join(folder, 'root/usr/bin');
}
