// Builds the published package: host/dist/{kheaders,index}.cjs and chunks by esbuild, index.d.cts by rollup.
// The helper programs for phones come from scripts/build-agent.
// Start-up is the product (a warm pull is mostly Node starting), so what the CLI needs is bundled into few files and
// everything else is a chunk loaded on demand. lzma-native stays outside: it holds native code.
import { chmod, copyFile, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';
import { findStaticChunks, toCommonJs } from './common-js.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const host = join(root, 'host');
const { version } = JSON.parse(await readFile(join(host, 'package.json'), 'utf8'));

await rm(join(host, 'dist'), { recursive: true, force: true });
const agents = await copyAgents(join(root, 'device-agent/dist'), join(host, 'dist/agent'));
const { metafile, outputFiles } = await build({
  absWorkingDir: host,
  metafile: true,
  write: false,
  entryPoints: { kheaders: 'src/cli/bin.ts', index: 'src/index.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  format: 'esm',
  outExtension: { '.js': '.cjs' },
  platform: 'node',
  target: 'node20',
  // Less to parse at each start. Names stay, for stack traces.
  minifySyntax: true,
  minifyWhitespace: true,
  external: ['lzma-native'],
  alias: { 'string-width': './src/cli/text-width.ts', assert: './src/cli/yargs-assert.ts' },
  define: { KHEADERS_VERSION: JSON.stringify(version), KHEADERS_AGENTS: JSON.stringify(agents) },
  legalComments: 'linked',
  logLevel: 'warning',
});
const chunksOf = (...sources) =>
  sources.flatMap((source) => findStaticChunks(metafile.outputs, source)).map((path) => join(host, path));
const written = await toCommonJs(outputFiles, {
  outdir: join(host, 'dist'),
  entries: ['kheaders', 'index'],
  groups: [
    // Alone, for --version.
    ['tool', chunksOf('src/core/tool.ts')],
    // What a pull needs until it has the phone's first answer, then to give orders, then to extract and to publish.
    ['pulling', chunksOf('src/pull/pull-device.ts')],
    ['cli', chunksOf('src/cli/main.ts', 'src/cli/commands/pull.ts')],
    [
      'transfer',
      chunksOf('src/pull/find-cache.ts', 'src/pull/pull.ts', 'src/pull/fetch.ts', 'src/device/agent-use.ts'),
    ],
    ['stages', chunksOf('src/pull/receive.ts', 'src/pull/check-tree.ts', 'src/cache/publish.ts')],
  ],
});
for (const { path, text } of written) {
  const place = join(host, 'dist', path);
  await mkdir(dirname(place), { recursive: true });
  await writeFile(place, text);
}
await chmod(join(host, 'dist/kheaders.cjs'), 0o755);
await writeFile(join(host, 'dist/THIRD-PARTY-LICENSES.txt'), await collectLicenses(Object.keys(metafile.inputs)));

if (!process.argv.includes('--no-types')) {
  const bundle = await rollup({
    input: join(host, 'src/index.ts'),
    external: [/^node:/],
    plugins: [dts({ tsconfig: join(host, 'tsconfig.json'), includeExternal: ['@kheaders/shared'] })],
  });
  await bundle.write({ file: join(host, 'dist/index.d.cts'), format: 'es' });
  await bundle.close();
}
for (const name of ['README.md', 'LICENSE']) await copyFile(join(root, name), join(host, name)).catch(() => undefined);

/** The helper programs that scripts/build-agent made, one for each ABI; null where there are none. */
async function copyAgents(from, to) {
  const text = await readFile(join(from, 'agents.json'), 'utf8').catch(() => '{}');
  const { build, agents = {} } = JSON.parse(text);
  if (build === undefined || Object.keys(agents).length === 0) {
    console.error(
      'build: no helper programs in this package: device-agent/dist/agents.json names none (scripts/build-agent)',
    );
    return null;
  }
  await mkdir(to, { recursive: true });
  for (const abi of Object.keys(agents)) await copyFile(join(from, abi), join(to, abi));
  return { build, agents };
}

/** The licences of the packages whose code is in the bundle, as they ask for. */
async function collectLicenses(inputs) {
  const folders = inputs.map((input) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0]);
  const texts = [];
  for (const folder of [...new Set(folders)].filter((name) => name !== undefined).sort()) {
    const path = join(host, folder);
    const { name, version: release, license } = JSON.parse(await readFile(join(path, 'package.json'), 'utf8'));
    const file = (await readdir(path)).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? '' : await readFile(join(path, file), 'utf8');
    texts.push(`${name} ${release} (${license})\n\n${text.trim()}\n`);
  }
  return texts.join(`\n${'-'.repeat(80)}\n\n`);
}
