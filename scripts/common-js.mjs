// ES modules that esbuild has written, as CommonJS with the same names. Node starts those sooner: it resolves and reads each
// file at once, and takes of its own modules only what is asked for, where `import` evaluates every export of them
// (13 of the 75 ms until a pull connects). esbuild cannot split CommonJS itself.
import { transform } from 'esbuild';

/** `export`s stay visible to `import { … }`: esbuild lists them for Node's scanner. */
export async function toCommonJs(text) {
  const usesUrl = text.includes('import.meta.url');
  const { code } = await transform(text, {
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    supported: { 'dynamic-import': false },
    minifySyntax: true,
    minifyWhitespace: true,
    define: { 'import.meta.url': 'ownUrl' },
    banner: usesUrl ? "const ownUrl = require('node:url').pathToFileURL(__filename).href;" : '',
    logLevel: 'warning',
  });
  return code;
}
