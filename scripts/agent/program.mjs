// From TypeScript to an executable file.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';
import { abis } from './abis.mjs';
import { ensure, keyOf } from './cache.mjs';
import { compileFlags } from './engine.mjs';
import { run } from './run.mjs';

export const root = fileURLToPath(new URL('../..', import.meta.url));
const native = join(root, 'device-agent/native');

/** Our C, and the scripts that say how everything is compiled and of which version the engine is. */
const SOURCES = [
  ...['agent.c', 'heap.h', 'sha256.h'].map((name) => join(native, name)),
  ...['abis', 'engine', 'program'].map((name) => join(root, `scripts/agent/${name}.mjs`)),
];

const BYTECODE_FLAGS = ['-c', '-m', '-M', 'native,native', '-N', 'program'];
/** Phones with pages of 16 KiB load no file with smaller ones. */
const LINK_FLAGS = [
  ...['-static', '-no-pie', '-nostdlib', '-s'],
  '-Wl,--gc-sections,--build-id=none,-z,noexecstack,-z,max-page-size=16384,-z,common-page-size=16384',
];

/** Stands in the JavaScript for the name of the sources, which is not known before that is there. */
const BUILD = 'build-not-known-yet';

/**
 * The program as JavaScript; `runtime` names all else that it is made of, but for the tools of an ABI, and `build` names
 * both.
 */
export async function bundle(entry) {
  const draft = await bundleModule(entry);
  const runtime = keyOf(...(await Promise.all(SOURCES.map((path) => readFile(path)))));
  const build = keyOf(runtime, draft);
  return { runtime, build, module: draft.replaceAll(BUILD, build) };
}

/** It is not made smaller: stack traces have the numbers of its lines. */
async function bundleModule(entry) {
  const { outputFiles } = await esbuild.build({
    absWorkingDir: join(root, 'device-agent'),
    entryPoints: [entry],
    alias: { '@kheaders/shared': join(root, 'shared/src/index.ts') },
    external: ['os', 'std', 'native'],
    define: { KHEADERS_AGENT_BUILD: JSON.stringify(BUILD) },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'neutral',
    target: 'es2023',
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'warning',
  });
  return outputFiles[0].text;
}

export function outputKey(build, tools) {
  return keyOf(build, tools.key);
}

/** Makes program.c in `folder`. The bytecode holds the name agent.js and no path. */
export async function compileBytecode(qjsc, module, folder) {
  await writeFile(join(folder, 'agent.js'), module);
  await run(qjsc, [...BYTECODE_FLAGS, '-o', 'program.c', 'agent.js'], { cwd: folder });
}

/** The object of our C for an ABI. */
export async function ensureNative(source, tools, runtime) {
  const folder = await ensure(`native-${tools.abi}-${keyOf(runtime, tools.key)}`, async (made) => {
    const strict = ['-Wall', '-Wextra', '-Wno-unused-parameter', '-Werror'];
    const flags = [...(await compileFlags(tools)), ...strict, '-isystem', source];
    await tools.compile([...flags, '-c', '-o', join(made, 'agent.o'), 'agent.c'], native);
  });
  return join(folder, 'agent.o');
}

/** Compiles program.c of `folder` and links it with the other objects. */
export async function link(tools, folder, objects, output) {
  const library = join(tools.musl, 'lib', abis[tools.abi].musl);
  const program = `${output}.o`;
  await tools.compile([...(await compileFlags(tools)), '-c', '-o', program, 'program.c'], folder);
  const [first, second, last] = ['crt1.o', 'crti.o', 'crtn.o'].map((name) => join(library, name));
  const others = await Promise.all(abis[tools.abi].libraries.map(tools.locate));
  const libraries = [`-L${library}`, '-Wl,--start-group', '-lc', '-lgcc', ...others, '-Wl,--end-group'];
  await tools.compile([...LINK_FLAGS, '-o', output, first, second, program, ...objects, ...libraries, last]);
}
