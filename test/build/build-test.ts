import { cp, mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import assert from 'node:assert/strict';
import type { KernelModule } from '../../host/src/image/kernel-module.js';
import { type BuildAssets, findBuildAssets } from '../phone/assets.js';
import { exec } from '../phone/exec.js';
import type { Arch } from '../phone/options.js';
import { type CliResult, bin, cleanEnv, runCli } from '../phone/tests/cli.js';
import { removeTree } from '../../host/src/cache/files.js';

export { bin };

/** The source of the module that the tests build. */
const moduleSource = fileURLToPath(new URL('../phone/module', import.meta.url));

/** A cache and a folder to work in, for the tests of one file. */
export interface Bench {
  readonly assets: BuildAssets;
  /** RELEASE of the imported entry. */
  readonly release: string;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  kheaders(...args: string[]): Promise<CliResult>;
  /** kheaders, which has to succeed; the lines of standard output. */
  lines(...args: string[]): Promise<string[]>;
  /** A fresh copy of the module's source. */
  copyModule(name: string): Promise<string>;
}

export async function openBench(arch: Arch, layout: 'headers' | 'legacy' = 'headers'): Promise<Bench> {
  const assets = await findBuildAssets(arch, (line) => console.error(line));
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'kheaders-build-')));
  after(() => removeTree(folder));
  const env = { KHEADERS_CACHE: join(folder, 'cache') };
  const kheaders = (...args: string[]) => runCli(args, env);
  const lines = async (...args: string[]): Promise<string[]> => {
    const { code, stdout, stderr } = await kheaders(...args);
    assert.equal(code, 0, stderr);
    return stdout.trim().split('\n');
  };
  const copyModule = async (name: string): Promise<string> => {
    await cp(moduleSource, join(folder, name), { recursive: true });
    return join(folder, name);
  };
  await lines('import', layout === 'legacy' ? assets.legacyArchive : assets.archive);
  return { assets, release: assets.release, folder, env, kheaders, lines, copyModule };
}

/** Runs a script as a user would, with nothing of ours in its environment but `kheaders` and the cache. */
export async function runScript(
  bench: Bench,
  script: string,
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const kheaders = `kheaders() { '${process.execPath}' '${bin}' "$@"; }\n`;
  return exec('sh', ['-euc', kheaders + script], { env: cleanEnv(bench.env), cwd: bench.folder, timeoutMs: 300_000 });
}

/** How many CRCs of a module equal those of a Module.symvers; fails for one that does not. */
export function compareVersions(module: KernelModule, symvers: string): number {
  const known = new Map(symvers.split('\n').map((line) => [line.split('\t')[1], Number(line.split('\t')[0])]));
  for (const [name, crc] of module.versions ?? []) assert.equal(crc, known.get(name), `the CRC of ${name}`);
  return module.versions?.size ?? 0;
}
