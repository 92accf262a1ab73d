// Checks that every import of the sources follows the table of ARCHITECTURE.md and that there is no cycle, type-only
// imports included. Usage: check-layers.mjs [ROOT]; its own test runs it on trees in which it must fail.
import { readFile, readdir } from 'node:fs/promises';
import { join, normalize, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder → folders it may import from, beside itself. `shared` stands for the package @kheaders/shared. */
const allowed = {
  shared: [],
  'device-agent': ['shared'],
  'host/core': ['shared'],
  'host/adb': ['host/core', 'shared'],
  'host/archive': ['host/core', 'shared'],
  'host/image': ['host/core', 'host/archive', 'shared'],
  'host/cache': ['host/core', 'shared'],
  'host/device': ['host/core', 'host/adb', 'shared'],
  'host/pull': ['host/core', 'host/device', 'host/adb', 'host/archive', 'host/image', 'host/cache', 'shared'],
  'host/build': ['host/core', 'host/archive', 'host/cache', 'host/image', 'shared'],
  'host/run': ['host/core', 'host/adb', 'host/device', 'host/image', 'host/cache', 'host/build', 'host/pull', 'shared'],
  'host/lab': ['host/core', 'host/pull', 'host/cache', 'host/device', 'host/adb', 'shared'],
  'host/index': [
    'host/core',
    'host/pull',
    'host/cache',
    'host/device',
    'host/adb',
    'host/image',
    'host/build',
    'host/run',
    'host/lab',
    'shared',
  ],
  'host/cli': ['host/index', 'host/core', 'shared'],
};

/** What stands for the library. */
const libraryFiles = ['index.ts', 'pulling.ts', 'keeping.ts', 'building.ts'];

const root = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url));
const files = (await Promise.all(['shared/src', 'device-agent/src', 'host/src'].map((top) => listSources(top)))).flat();
const graph = new Map();
for (const file of files) graph.set(file, await readImports(file));

const problems = [...graph].flatMap(([file, imports]) => [
  ...judgeFolder(file),
  ...imports.flatMap((target) => judge(file, target)),
]);
problems.push(...findCycles());
for (const problem of problems) console.error(problem);
console.log(`check-layers: ${files.length} files, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;

async function listSources(top) {
  const entries = await readdir(join(root, top), { recursive: true }).catch(() => []);
  return entries.filter((name) => /\.[cm]?tsx?$/.test(name)).map((name) => join(top, name));
}

async function readImports(file) {
  const text = await readFile(join(root, file), 'utf8');
  const pattern = /(?:\bfrom\s*|\bimport\s*\(?\s*)(['"])([^'"]+)\1/g;
  return [...text.matchAll(pattern)].map((match) => resolve(file, match[2]));
}

function resolve(file, specifier) {
  if (specifier === '@kheaders/shared') return 'shared/src/index.ts';
  if (!specifier.startsWith('.')) return specifier;
  return normalize(join(file, '..', specifier)).replace(/\.js$/, '.ts');
}

function layerOf(file) {
  const parts = file.split(sep);
  if (parts[0] !== 'host') return parts[0];
  return libraryFiles.includes(parts[2]) ? 'host/index' : `host/${parts[2]}`;
}

function judgeFolder(file) {
  return layerOf(file) in allowed ? [] : [`${file}: folder ${layerOf(file)} is not in the table`];
}

function judge(file, target) {
  const from = layerOf(file);
  if (!(from in allowed)) return [];
  if (!/^(shared|device-agent|host|test|scripts)\//.test(target)) return judgePackage(file, from, target);
  const to = layerOf(target);
  if (to === from || allowed[from].includes(to)) return [];
  return [`${file}: ${from} may not import ${to} (${relative(root, join(root, target))})`];
}

function judgePackage(file, from, target) {
  if (from === 'shared' && target !== '') return [`${file}: shared imports nothing, not even ${target}`];
  return [];
}

function findCycles() {
  const state = new Map();
  const cycles = [];
  const visit = (file, path) => {
    if (state.get(file) === 'done' || !graph.has(file)) return;
    if (path.includes(file)) return void cycles.push(`cycle: ${[...path.slice(path.indexOf(file)), file].join(' → ')}`);
    for (const target of graph.get(file)) visit(target, [...path, file]);
    state.set(file, 'done');
  };
  for (const file of graph.keys()) visit(file, []);
  return cycles;
}
