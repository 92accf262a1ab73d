// The engine, QuickJS: its source, its compiler for the machine at hand, and its objects for an ABI.
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { abis } from './abis.mjs';
import { ensure, keyOf } from './cache.mjs';
import { run } from './run.mjs';

const VERSION = '2025-04-26';
const ARCHIVE = 'quickjs_2025.04.26.orig.tar.xz';
const ARCHIVE_SHA256 = 'ec81da5b3249ed648dbc7df4a1654988910e66a118d9b71cb63534216efcfbbe';

const UNITS = ['quickjs', 'libregexp', 'libunicode', 'cutils', 'dtoa', 'quickjs-libc'];
const DEFINES = ['-D_GNU_SOURCE', `-DCONFIG_VERSION="${VERSION}"`, '-fwrapv'];
const SMALL = ['-Os', '-ffunction-sections', '-fdata-sections', '-fno-asynchronous-unwind-tables', '-fno-pie'];
/** The interpreter itself: a pull executes an eighth less of it, and the agents stay below 700 KB. */
const FAST = { quickjs: ['-O2'] };

/**
 * Functions that give way to others of their name. agent.c has its own js_std_dump_error(). The agent is without regular
 * expressions, so qjsc must know none either: what would be a TypeError on the phone is a SyntaxError here.
 */
const PATCHES = [
  ['quickjs-libc.c', (text) => `#pragma weak js_std_dump_error\n${text}`],
  ['quickjs.c', (text) => `#pragma weak JS_AddIntrinsicRegExp\n${text}`],
  ['qjsc.c', (text) => `${text}\nvoid JS_AddIntrinsicRegExp(JSContext *ctx) {}\n`],
];

export const engineSource = `engine-${VERSION}-${keyOf(ARCHIVE_SHA256, ...PATCHES.flat().map(String))}`;

/** Downloads and unpacks the source. */
export async function fillSource(download, folder) {
  await download('source', folder, ['quickjs']);
  const archive = join(folder, ARCHIVE);
  const digest = createHash('sha256')
    .update(await readFile(archive))
    .digest('hex');
  if (digest !== ARCHIVE_SHA256) throw new Error(`${ARCHIVE}: sha256 is ${digest}, expected ${ARCHIVE_SHA256}`);
  await run('tar', ['-xf', archive, '-C', folder, '--strip-components=1']);
  for (const [name, patch] of PATCHES) {
    await writeFile(join(folder, name), patch(await readFile(join(folder, name), 'utf8')));
  }
}

/** The bytecode compiler. */
export async function ensureCompiler(source, host) {
  const flags = ['-O0', ...DEFINES, '-DCONFIG_CC="gcc"', '-DCONFIG_PREFIX="/usr"'];
  const compile = (args, cwd) => run('gcc', args, { cwd });
  const folder = await ensure(`qjsc-${keyOf(engineSource, host.version, ...flags)}`, async (made) => {
    const objects = await compileUnits([...UNITS, 'qjsc'], { compile, flags, source }, made);
    await compile(['-o', join(made, 'qjsc'), ...objects, '-lm', '-lpthread', '-ldl']);
  });
  return join(folder, 'qjsc');
}

/** How C is compiled for an ABI. */
export function flagsFor(abi) {
  return [...abis[abi].flags, ...SMALL, ...DEFINES];
}

/** The same, with the headers' places. */
export async function compileFlags(tools) {
  const headers = [join(tools.musl, 'include', abis[tools.abi].musl), await tools.locate('include')];
  return [...flagsFor(tools.abi), '-nostdinc', ...headers.flatMap((folder) => ['-isystem', folder])];
}

/** The engine's objects for an ABI. */
export async function ensureObjects(source, tools) {
  const key = keyOf(engineSource, tools.key, ...flagsFor(tools.abi), JSON.stringify(FAST));
  const folder = await ensure(`objects-${tools.abi}-${key}`, async (made) => {
    const flags = await compileFlags(tools);
    await compileUnits(UNITS, { compile: tools.compile, flags, source }, made);
  });
  return UNITS.map((unit) => join(folder, `${unit}.o`));
}

/** Asserts hold the names of their files, so those are relative. */
async function compileUnits(units, { compile, flags, source }, folder) {
  const one = async (unit) => {
    const object = join(folder, `${unit}.o`);
    await compile([...flags, ...(FAST[unit] ?? []), '-w', '-c', '-o', object, `${unit}.c`], source);
    return object;
  };
  return Promise.all(units.map(one));
}
