import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Context, type OperationOptions, makeContext, throwIfAborted } from '../core/context.js';
import { KhError } from '../core/error.js';
import { readModule } from '../image/read-module.js';
import { writeClangd, writeCompileCommands } from './compile-commands.js';
import { type Explanation, explainFailure, explainMissing } from './explain-failure.js';
import { runInvocation } from './invocation.js';
import { isBuiltIn } from './kernel-config.js';
import type { Kdir } from './make-kdir.js';
import { type PlanOptions, parseModulesOrder, planBuild } from './plan-build.js';

export interface BuildOptions extends PlanOptions, OperationOptions {
  /** Write compile_commands.json into the module's folder. */
  readonly compileCommands?: boolean | undefined;
  /** Write a .clangd, too. */
  readonly clangd?: boolean | undefined;
}

/** A module that was built. */
export interface BuiltModule {
  readonly path: string;
  readonly vermagic: string | undefined;
  /** How many symbols it imports. */
  readonly imports: number;
  /** Imports whose CRC it lacks, on a kernel that checks them. */
  readonly missingCrcs: readonly string[];
}

/**
 * Builds the modules of a folder in a build tree; what make says is reported as `output`. Errors: `build-failed` (with the
 * reason where it is a known one; also where CRCs are missing, unless that is allowed), `tool-missing`, `usage`,
 * `cancelled`.
 */
export async function buildModule(
  folder: string,
  tree: Kdir,
  options: BuildOptions = {},
): Promise<readonly BuiltModule[]> {
  const ctx = makeContext(options);
  const path = resolve(folder);
  await assertFolder(path);
  ctx.report({ kind: 'step', step: 'build' });
  const plan = planBuild(tree, path, options);
  const { code, tail } = await runInvocation(plan, (chunk) => ctx.report({ kind: 'output', chunk }), ctx);
  if (code !== 0) {
    const explanation = explainFailure(tail, tree.inputs.facts, tree.inputs.symbols);
    throw failure(path, explanation?.cause === 'symbols' ? await explainImports(path, tree, explanation) : explanation);
  }
  if (options.compileCommands === true || options.clangd === true) await writeCompileCommands(path, tree.path);
  if (options.clangd === true && !(await writeClangd(path))) {
    ctx.report({
      kind: 'warning',
      warning: 'build',
      message: 'The folder has a .clangd of its own, which is left alone',
    });
  }
  const modules = await readModules(path, tree, ctx);
  assertCrcs(modules, tree, path, options, ctx);
  return modules;
}

async function assertFolder(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  // make cannot be told of such a folder: it splits M= at blanks.
  const reason =
    found?.isDirectory() !== true ? 'no folder' : /[\s:#$%\\]/.test(path) ? 'make cannot take such a name' : '';
  if (reason !== '') throw new KhError('usage', 'This is not the folder of a module', { path, reason });
}

async function readModules(folder: string, tree: Kdir, ctx: Context): Promise<readonly BuiltModule[]> {
  const order = await readFile(join(folder, 'modules.order'), 'utf8').catch(() => '');
  const modules: BuiltModule[] = [];
  for (const name of parseModulesOrder(order)) {
    throwIfAborted(ctx);
    const path = resolve(folder, name);
    const bytes = await readFile(path).catch(() => undefined);
    if (bytes === undefined) continue;
    const { vermagic, imports, versions } = readModule(bytes);
    const checks = isBuiltIn(tree.inputs.facts.config, 'CONFIG_MODVERSIONS');
    const names = [...imports.map((item) => item.name), 'module_layout'];
    const missingCrcs = checks ? names.filter((item) => versions?.has(item) !== true).sort() : [];
    modules.push({ path, vermagic, imports: imports.length, missingCrcs });
  }
  return modules;
}

/** modpost names ten symbols at most. What a module asks for is in its object, so the whole list can be told. */
async function explainImports(folder: string, tree: Kdir, explanation: Explanation): Promise<Explanation> {
  const names = new Set(explanation.names);
  const known = new Set(tree.inputs.symbols.lines.map(({ symbol }) => symbol.name));
  const order = await readFile(join(folder, 'modules.order'), 'utf8').catch(() => '');
  const modules = [];
  for (const name of parseModulesOrder(order)) {
    const bytes = await readFile(resolve(folder, name.replace(/ko$/, 'o'))).catch(() => undefined);
    if (bytes !== undefined) modules.push(readModule(bytes));
  }
  for (const { exports } of modules) for (const { name } of exports) known.add(name);
  known.add('__this_module'); // defined in the part that modpost would have made
  for (const { imports } of modules) for (const { name } of imports) if (!known.has(name)) names.add(name);
  return explainMissing([...names].sort(), tree.inputs.symbols);
}

function assertCrcs(
  modules: readonly BuiltModule[],
  tree: Kdir,
  path: string,
  options: BuildOptions,
  ctx: Context,
): void {
  const names = [...new Set(modules.flatMap(({ missingCrcs }) => missingCrcs))].sort();
  if (names.length === 0) return;
  const explanation = explainMissing(names, tree.inputs.symbols);
  if (options.allowMissingCrcs !== true) throw failure(path, explanation);
  const message = `${explanation.reason}: ${names.join(', ')}`;
  ctx.report({ kind: 'warning', warning: 'build', message });
}

function failure(path: string, explanation: Explanation | undefined): KhError {
  const { reason, names, next } = explanation ?? {};
  return new KhError('build-failed', 'The module could not be built', {
    path,
    ...(reason === undefined ? {} : { reason }),
    ...(names === undefined ? {} : { choices: names }),
    ...(next === undefined ? {} : { tried: next }),
  });
}
