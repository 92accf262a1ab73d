// ES modules that esbuild has written, as CommonJS: Node starts that sooner. It resolves and reads each file at once, and takes
// of its own modules only what is asked for, where `import` evaluates every export of them (13 of the 75 ms until a pull
// connects). esbuild cannot split CommonJS itself, and makes a file of every set of modules that some entries share:
// some thirty for a pull, each a third of a millisecond to find and read. So rollup puts those together that are
// always loaded together.
import { basename, dirname, join } from 'node:path';
import { rollup } from 'rollup';

/**
 * @param outputFiles what esbuild wrote; `outdir` is where to.
 * @param entries names of the files that are loaded from outside.
 * @param groups [name, paths of chunks] of files to put together, with what they import; the first that has a chunk keeps it.
 * @returns [{ path, text }], paths relative to outdir.
 */
export async function toCommonJs(outputFiles, { outdir, entries, groups }) {
  const texts = new Map(outputFiles.filter(({ path }) => path.endsWith('.cjs')).map(({ path, text }) => [path, text]));
  const members = new Map();
  for (const [name, paths] of groups) for (const path of paths) if (!members.has(path)) members.set(path, name);
  const bundle = await rollup({
    input: Object.fromEntries(entries.map((name) => [name, join(outdir, `${name}.cjs`)])),
    external: (id) => !id.startsWith('.') && !id.startsWith('/'),
    treeshake: false,
    // Bluebird's.
    onwarn: (warning, warn) => void (warning.code === 'EVAL' || warn(warning)),
    plugins: [
      {
        name: 'written by esbuild',
        resolveId: (id, importer) =>
          id.startsWith('.') ? join(dirname(importer), id) : texts.has(id) ? id : undefined,
        load: (id) => texts.get(id),
      },
    ],
  });
  const { output } = await bundle.generate({
    format: 'cjs',
    exports: 'named',
    interop: 'auto',
    dynamicImportInCjs: false,
    compact: true,
    entryFileNames: '[name].cjs',
    chunkFileNames: 'chunks/[name]-[hash].cjs',
    manualChunks: (id) => members.get(id),
    sanitizeFileName: (name) => basename(name, '.cjs').replace(/-[0-9A-Z]{8}$/, ''),
  });
  await bundle.close();
  return output.map(({ fileName, code }) => ({ path: fileName, text: code }));
}

/** The chunks that the one with this source file is, or imports statically, directly or not. `outputs`: of a metafile. */
export function findStaticChunks(outputs, source) {
  const [first] = Object.entries(outputs).find(([, { inputs }]) => source in inputs) ?? [];
  if (first === undefined) throw new Error(`no chunk has ${source}`);
  const found = new Set([first]);
  for (const path of found) {
    for (const { path: next, kind } of outputs[path].imports) {
      if (kind === 'import-statement' && next in outputs) found.add(next);
    }
  }
  return [...found];
}
