// Makes plain JavaScript of test files, in one go, where node_modules is found from. A compiler in each of the processes
// that run them took longer than most of what they test, and made each program they start dearer: Node forks with all its
// memory, and half of that was the compiler's.
import { readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** A module goes on knowing where its source is: esbuild puts these two names for what a bundle knows otherwise. */
const sourcePlaces = {
  name: 'source places',
  setup(builder) {
    builder.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const [url, folder] = [pathToFileURL(path).href, dirname(path)].map((place) => JSON.stringify(place));
      const text = await readFile(path, 'utf8');
      return { contents: `const sourceUrl = ${url}, sourceFolder = ${folder}; ${text}`, loader: 'ts' };
    });
  },
};

/** Bundles sources, modules they share apart, into a folder; each at its place below the project's root, as .mjs. Returns where. */
export async function bundleTests(sources, outdir) {
  await build({
    entryPoints: sources,
    outbase: root,
    outdir,
    outExtension: { '.js': '.mjs' },
    absWorkingDir: root,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    alias: { '@kheaders/shared': join(root, 'shared/src/index.ts') },
    keepNames: true,
    sourcemap: true,
    sourcesContent: false,
    logLevel: 'warning',
    define: { 'import.meta.url': 'sourceUrl', 'import.meta.dirname': 'sourceFolder' },
    plugins: [sourcePlaces],
  });
  return sources.map((source) => join(outdir, relative(root, source)).replace(/\.ts$/, '.mjs'));
}
