// Packages of Debian, unpacked into the cache; nothing is installed.
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { arch } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withTemporary } from './cache.mjs';
import { run } from './run.mjs';

const apt = fileURLToPath(new URL('apt.sh', import.meta.url));
const hostArchitecture = { x64: 'amd64', arm64: 'arm64', riscv64: 'riscv64' }[arch()];

/** Calls `use` with a function that downloads; apt's lists for these architectures are read, and dropped at the end. */
export async function withDebian(architectures, use) {
  console.error('reading the lists of Debian packages');
  return withTemporary(async (state) => {
    await run(apt, ['index', state, ...new Set([hostArchitecture, ...architectures])]);
    return use((command, folder, names) => run(apt, [command, state, folder, ...names]));
  });
}

/** Downloads a file of Debian's pool, or the package that is there in its place. */
export async function downloadPinned({ name, architecture, path, sha256 }, folder) {
  try {
    await run(apt, ['pinned', '', folder, path, sha256]);
  } catch (error) {
    console.error(`${error.message}\nbuild-agent: ${path} is not to be had; taking what Debian has now`);
    await withDebian([architecture], (download) => download('download', folder, [name]));
  }
}

/**
 * Unpacks packages from a folder of archives to `target`/root. `target`/packages tells which they were. `choice` is for
 * tar: what of them to unpack.
 */
export async function unpack(archives, names, target, choice) {
  const files = await readdir(archives);
  const chosen = names.map((name) => findArchive(files, name)).sort();
  await mkdir(join(target, 'root'));
  const lines = [];
  for (const file of chosen) {
    const digest = createHash('sha256').update(await readFile(join(archives, file)));
    lines.push(`${file} ${digest.digest('hex')}\n`);
    const script = 'set -o pipefail; dpkg-deb --fsys-tarfile "$1" | tar -x -C "${@:2}"';
    await run('bash', ['-ec', script, '-', join(archives, file), join(target, 'root'), ...choice]);
  }
  await writeFile(join(target, 'packages'), lines.join(''));
  for (const line of lines) process.stderr.write(`took ${line}`);
}

/** apt names its files NAME_VERSION_ARCHITECTURE.deb; a package is asked for as NAME[:ARCHITECTURE]/SUITE. */
function findArchive(files, name) {
  const [, wanted, architecture] = /^([^:/]+)(?::([^/]+))?/.exec(name);
  const found = files.find((file) => {
    const [title, , built] = file.replace(/\.deb$/, '').split('_');
    return title === wanted && (architecture === undefined || architecture === built);
  });
  if (found === undefined) throw new Error(`apt did not download ${name}`);
  return found;
}
