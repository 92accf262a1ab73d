// Prints the largest files and functions of the sources and fails over the budget of CONTRIBUTING.md: no function over
// 60 lines but in tests, where describe() is one; no file over 300.
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url));
const budget = { file: 300, function: 60 };
const sizes = { file: [], function: [] };

for (const top of ['shared/src', 'host/src', 'device-agent/src', 'test']) {
  const names = await readdir(join(root, top), { recursive: true }).catch(() => []);
  for (const name of names.filter((entry) => entry.endsWith('.ts') && !entry.includes('node_modules'))) {
    measure(join(top, name), await readFile(join(root, top, name), 'utf8'));
  }
}

let over = 0;
for (const [kind, list] of Object.entries(sizes)) {
  list.sort((a, b) => b.lines - a.lines);
  const lines = list.map((item) => item.lines).sort((a, b) => a - b);
  console.log(`${kind}s: ${list.length}, median ${at(lines, 0.5)}, p90 ${at(lines, 0.9)}, largest:`);
  for (const { name, lines: count } of list.slice(0, 5)) console.log(`  ${String(count).padStart(4)}  ${name}`);
  const large = list.filter(
    (item) => item.lines > budget[kind] && !(kind === 'function' && item.name.startsWith('test/')),
  );
  for (const item of large) console.error(`over budget (${budget[kind]}): ${item.name} has ${item.lines} lines`);
  over += large.length;
}
process.exitCode = over === 0 ? 0 : 1;

function at(sorted, share) {
  return sorted[Math.floor(sorted.length * share)] ?? 0;
}

function measure(name, text) {
  const source = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
  const lineOf = (position) => source.getLineAndCharacterOfPosition(position).line;
  sizes.file.push({ name, lines: lineOf(text.length) });
  const visit = (node) => {
    if (ts.isFunctionLike(node) && node.body !== undefined) {
      const lines = lineOf(node.end) - lineOf(node.getStart()) + 1;
      if (lines > 1) sizes.function.push({ name: `${name}: ${node.name?.getText() ?? '(anonymous)'}`, lines });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
}
