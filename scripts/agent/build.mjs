// The command line of scripts/build-agent, and the stages of a build in their order.
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { abis } from './abis.mjs';
import { pathOf, withTemporary } from './cache.mjs';
import { engineSource, ensureCompiler, ensureObjects } from './engine.mjs';
import { dropDigests, isCurrent, putDigests, putModule, putOutput } from './outputs.mjs';
import { bundle, compileBytecode, ensureNative, link, outputKey } from './program.mjs';
import { ensureDownloads, openTools, readHost } from './tools.mjs';

const AGENT = 'src/agent.ts';

class UsageError extends Error {}

try {
  await main(process.argv.slice(2));
} catch (error) {
  // esbuild has told already what is wrong with the TypeScript.
  if (error.errors === undefined) console.error(`build-agent: ${error.message}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

async function main(args) {
  const host = await readHost();
  const { names, entry, name } = parseCommandLine(args, host);
  const sources = await bundle(entry ?? AGENT);
  await ensureDownloads(names, host);
  const tools = await Promise.all(names.map((abi) => openTools(abi, host)));
  const jobs = tools.map((own) => ({
    tools: own,
    name: name ?? own.abi,
    build: sources.build,
    key: outputKey(sources.build, own),
  }));
  const current = await Promise.all(jobs.map(isCurrent));
  const stale = jobs.filter((_, at) => !current[at]);
  if (stale.length > 0) {
    if (entry === undefined) await dropDigests();
    await make(stale, sources, host);
    await putModule(name ?? 'agent', sources.module);
  }
  if (entry === undefined) await putDigests(sources.build);
}

async function make(jobs, { module, runtime }, host) {
  const source = pathOf(engineSource);
  await withTemporary(async (folder) => {
    const compiling = ensureCompiler(source, host).then((qjsc) => compileBytecode(qjsc, module, folder));
    const makeOne = async (job) => {
      const engine = ensureObjects(source, job.tools);
      const [objects, own] = await Promise.all([engine, ensureNative(source, job.tools, runtime), compiling]);
      const output = join(folder, job.tools.abi);
      await link(job.tools, folder, [own, ...objects], output);
      await putOutput(job, output);
    };
    await Promise.all(jobs.map(makeOne));
  });
}

function parseCommandLine(args, host) {
  const { abi, entry, name } = parseOptions(args);
  for (const one of abi ?? [])
    if (!Object.hasOwn(abis, one)) throw new UsageError(`no such ABI: ${one} (${Object.keys(abis).join(', ')})`);
  if ((entry === undefined) !== (name === undefined)) throw new UsageError('--entry and --name belong together');
  if (entry === undefined) return { names: [...new Set(abi ?? Object.keys(abis))] };
  if (!/^[\w-]+(\.[\w-]+)*$/.test(name) || Object.hasOwn(abis, name) || name === 'agents.json')
    throw new UsageError(`not a name for a program: ${name}`);
  const own = Object.keys(abis).find((one) => abis[one].triplet === host.triplet);
  const [only, ...others] = abi ?? [own];
  if (only === undefined || others.length > 0) throw new UsageError('--entry takes one --abi');
  return { names: [only], entry: resolve(entry), name };
}

function parseOptions(args) {
  try {
    const options = { abi: { type: 'string', multiple: true }, entry: { type: 'string' }, name: { type: 'string' } };
    return parseArgs({ args, options }).values;
  } catch (error) {
    throw new UsageError(error.message);
  }
}
