// What is needed to compile for an ABI: a compiler, and musl as the C library.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { abis, compilerOf, libraryOf } from './abis.mjs';
import { ensure, exists, keyOf, pathOf, withTemporary } from './cache.mjs';
import { downloadPinned, unpack, withDebian } from './debian.mjs';
import { engineSource, fillSource } from './engine.mjs';
import { run } from './run.mjs';

/** Half of a compiler is for link-time optimisation. */
const NEEDED = ['./usr/share', 'lto1', '*-lto-dump-*', '*-ld.gold', '*-dwp'].map((name) => `--exclude=${name}`);

/** The installed compiler: for what triplet it compiles, and its version. */
export async function readHost() {
  const [triplet, version] = await Promise.all([run('gcc', ['-dumpmachine']), run('gcc', ['-dumpfullversion'])]);
  return { triplet: triplet.trim(), version: `gcc ${version.trim()}` };
}

function nameOf(abi, host) {
  return `tools-${abi}-${keyOf(host.triplet, libraryOf(abi).sha256, ...compilerOf(abi, host.triplet))}`;
}

/** Downloads what is missing of the engine's source and of the tools for these ABIs. */
export async function ensureDownloads(names, host) {
  const found = await Promise.all(names.map((abi) => exists(pathOf(nameOf(abi, host)))));
  const missing = names.filter((_, at) => !found[at]);
  if (missing.length === 0 && (await exists(pathOf(engineSource)))) return;
  await withDebian([], async (download) => {
    await ensure(engineSource, (folder) => fillSource(download, folder));
    if (missing.length > 0) await downloadTools(download, missing, host);
  });
}

async function downloadTools(download, names, host) {
  await withTemporary(async (archives) => {
    const compilers = new Set(names.flatMap((abi) => compilerOf(abi, host.triplet)));
    if (compilers.size > 0) await download('download', archives, [...compilers]);
    for (const abi of names) await downloadPinned(libraryOf(abi), archives);
    const unpackOne = (abi) => {
      const packages = [libraryOf(abi).name, ...compilerOf(abi, host.triplet)];
      return ensure(nameOf(abi, host), (folder) => unpack(archives, packages, folder, NEEDED));
    };
    await Promise.all(names.map(unpackOne));
  });
}

/**
 * The tools for an ABI. `key` tells which they are; `compile` calls the compiler; `locate` finds a file that belongs to
 * it; `musl` is where that is.
 */
export async function openTools(abi, host) {
  const folder = pathOf(nameOf(abi, host));
  const { triplet } = abis[abi];
  const isHost = triplet === host.triplet;
  const compiler = isHost ? 'gcc' : join(folder, 'root/usr/bin', `${triplet}-gcc-12`);
  // The assembler and the linker have libraries of their own.
  const env = isHost ? process.env : { ...process.env, LD_LIBRARY_PATH: join(folder, 'root/usr/lib', host.triplet) };
  return {
    abi,
    key: keyOf(await readFile(join(folder, 'packages'), 'utf8'), isHost ? host.version : ''),
    musl: join(folder, 'root/usr'),
    compile: (args, cwd) => run(compiler, args, { cwd, env }),
    locate: async (name) => (await run(compiler, [`-print-file-name=${name}`], { env })).trim(),
  };
}
