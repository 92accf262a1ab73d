// Builds the published package: host/dist/{kheaders.js,index.js} and chunks by esbuild, index.d.ts by rollup.
// Start-up is the product (a warm pull is mostly Node starting), so what the CLI needs is bundled into few files and
// everything else is a chunk loaded on demand. lzma-native stays outside: it holds native code.
import { chmod, copyFile, readFile, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { build } from 'esbuild';
import { rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';

const root = fileURLToPath(new URL('..', import.meta.url));
const host = join(root, 'host');
const { version } = JSON.parse(await readFile(join(host, 'package.json'), 'utf8'));

await rm(join(host, 'dist'), { recursive: true, force: true });
await build({
  absWorkingDir: host,
  entryPoints: { kheaders: 'src/cli/bin.ts', index: 'src/index.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external: ['lzma-native'],
  alias: { 'string-width': './src/cli/text-width.ts' },
  define: { KHEADERS_VERSION: JSON.stringify(version) },
  // Bundled CommonJS (adbkit, bluebird) calls require() for Node's own modules.
  banner: {
    js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
  },
  legalComments: 'linked',
  logLevel: 'warning',
});
await chmod(join(host, 'dist/kheaders.js'), 0o755);

if (!process.argv.includes('--no-types')) {
  const bundle = await rollup({
    input: join(host, 'src/index.ts'),
    external: [/^node:/],
    plugins: [dts({ tsconfig: join(host, 'tsconfig.json'), includeExternal: ['@kheaders/shared'] })],
  });
  await bundle.write({ file: join(host, 'dist/index.d.ts'), format: 'es' });
  await bundle.close();
}
for (const name of ['README.md', 'LICENSE']) await copyFile(join(root, name), join(host, name)).catch(() => undefined);
