import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { sha256, stepKeys, type Versions } from './digest.js';
import { dropIndex, ensureIndex, indexDir, isIndexOld, readVersions } from './index.js';
import type { Arch, Kind } from './options.js';
import { buildScripts, cacheDir } from './paths.js';
import { exists, publish } from './publish.js';
import { buildSteps, fixtureStep, phoneSteps, withInputs, type Index, type Step } from './steps.js';

export interface Assets {
  kernel: string;
  initramfs: string;
  /** The content of the boot partition. */
  bootImage: string;
  release: string;
  archivePath: string | undefined;
  koPath: string | undefined;
  /** A folder: `vmlinuz`, `config` and `objects`, where the kernel's Module.symvers is. */
  kernelPath: string;
  /** A folder with the programs that built a kernel nearer to GKI; undefined for Debian's. */
  llvmPath: string | undefined;
  /** Names everything that these files were made of, and the emulator. */
  key: string;
}

export type Report = (line: string) => void;

interface Plan {
  steps: readonly Step[];
  keys: ReadonlyMap<Step, string>;
  versions: Versions;
  missing: readonly Step[];
}

function stepDir(plan: Pick<Plan, 'keys'>, step: Step): string {
  return join(cacheDir(), 'built', step.id, plan.keys.get(step) ?? '');
}

async function runScript(script: string, env: Record<string, string>, name: string): Promise<void> {
  mkdirSync(join(cacheDir(), 'logs'), { recursive: true });
  const path = join(cacheDir(), 'logs', `${name}.log`);
  const log = openSync(path, 'w');
  const child = spawn('bash', [join(buildScripts, `${script}.sh`)], {
    stdio: ['ignore', log, log],
    env: { ...process.env, LC_ALL: 'C', JOBS: String(availableParallelism()), ...env },
  });
  closeSync(log);
  const [code] = (await once(child, 'close')) as [number | null];
  if (code === 0) return;
  const tail = (await readFile(path, 'utf8')).split('\n').slice(-25).join('\n');
  throw new Error(`${script} failed (code ${code}); the whole log is ${path}\n${tail}`);
}

async function runStep(plan: Plan, step: Step): Promise<void> {
  const env: Record<string, string> = { ARCH: step.arch, PAGES: step.pages, APT: indexDir(step.index) };
  if (step.layout) env['LAYOUT'] = step.layout;
  if (step.variant) env['VARIANT'] = step.variant;
  for (const input of step.inputs) {
    env[`IN_${input.role.toUpperCase().replaceAll('-', '_')}`] = stepDir(plan, input);
  }
  await publish(stepDir(plan, step), (staging) => runScript(step.script, { ...env, OUT: staging }, step.id));
}

function usedIndexes(steps: readonly Step[]): Index[] {
  return [...new Set(steps.filter((step) => step.versions.length > 0).map((step) => step.index))];
}

async function makePlan(steps: readonly Step[], report: Report): Promise<Plan> {
  const indexes = usedIndexes(steps);
  for (const index of indexes) {
    await ensureIndex(index, async (staging) => {
      report(`phone: reading the package lists (${index})`);
      await runScript('index', { INDEX: index, OUT: staging }, `index-${index}`);
    });
  }
  const versions = await readVersions(
    indexes,
    steps.flatMap((step) => step.packages),
  );
  const keys = await stepKeys(steps, versions);
  const present = await Promise.all(steps.map((step) => exists(stepDir({ keys }, step))));
  return { steps, keys, versions, missing: steps.filter((_, at) => !present[at]) };
}

/** True of an index that was made before a step came to want more of it. */
function lacksVersions({ missing, versions }: Plan, index: Index): boolean {
  const wanted = missing.filter((step) => step.index === index).flatMap((step) => step.versions);
  return wanted.some((name) => versions.downloaded.get(index)?.has(name) !== true);
}

/** Downloads need fresh lists; what is already built does not. */
async function makeFreshPlan(steps: readonly Step[], report: Report): Promise<Plan> {
  const plan = await makePlan(steps, report);
  const needed = usedIndexes(plan.missing);
  const ages = await Promise.all(needed.map(isIndexOld));
  const old = needed.filter((index, at) => ages[at] || lacksVersions(plan, index));
  if (old.length === 0) return plan;
  await Promise.all(old.map(dropIndex));
  return makePlan(steps, report);
}

/** Runs the missing steps, each as soon as its inputs are there and one of the few places is free. */
async function runMissing(plan: Plan, report: Report): Promise<void> {
  const places = availableParallelism() + 1;
  const waiting: (() => void)[] = [];
  let busy = 0;
  const results = new Map<Step, Promise<void>>();
  const start = async (step: Step): Promise<void> => {
    await Promise.all(step.inputs.map((input) => results.get(input) ?? Promise.resolve()));
    if (busy >= places) await new Promise<void>((go) => waiting.push(go));
    busy++;
    const began = performance.now();
    try {
      await runStep(plan, step);
    } finally {
      busy--;
      waiting.shift()?.();
    }
    report(`phone: built ${step.id} in ${((performance.now() - began) / 1000).toFixed(1)} s`);
  };
  for (const step of plan.missing) results.set(step, start(step));
  const settled = await Promise.allSettled(results.values());
  const failed = settled.find((one) => one.status === 'rejected');
  if (failed) throw failed.reason;
}

async function describe(plan: Plan, kind: Kind): Promise<Assets> {
  const { arch, layout, kernel } = kind;
  // What is built in truly is no file; Debian's kernel has it as a module on every phone.
  const hasKo = layout !== 'none' && (kernel === 'debian' || layout !== 'builtin');
  const { packages, modules, bootImage, image } = phoneSteps(kind);
  const llvm = packages.inputs.find(({ role }) => role === 'llvm');
  const [modulesDir, imageDir] = [stepDir(plan, modules), stepDir(plan, image)];
  const emulator = plan.versions.installed.get(arch === 'arm64' ? 'qemu-system-arm' : 'qemu-system-x86');
  return {
    kernel: join(stepDir(plan, packages), 'usable', 'vmlinuz'),
    initramfs: join(imageDir, 'initramfs.cpio'),
    bootImage: join(stepDir(plan, bootImage), 'boot.img'),
    release: (await readFile(join(imageDir, 'release'), 'utf8')).trim(),
    archivePath: layout === 'none' ? undefined : join(modulesDir, 'kheaders.tar.xz'),
    koPath: hasKo ? join(modulesDir, 'kheaders.ko') : undefined,
    kernelPath: join(stepDir(plan, packages), 'usable'),
    llvmPath: llvm && join(stepDir(plan, llvm), 'root'),
    key: sha256(plan.keys.get(image) ?? '', plan.keys.get(bootImage) ?? '', emulator ?? ''),
  };
}

/** Builds what is missing for phones of these kinds. */
export async function buildAssets(kinds: readonly Kind[], report: Report): Promise<Assets[]> {
  const results = kinds.map(phoneSteps);
  const steps = withInputs(results.flatMap(({ bootImage, image }) => [bootImage, image]));
  const plan = await makeFreshPlan(steps, report);
  await runMissing(plan, report);
  return Promise.all(kinds.map((kind) => describe(plan, kind)));
}

export async function findAssets(kind: Kind, report: Report): Promise<Assets> {
  const [assets] = await buildAssets([kind], report);
  if (!assets) throw new Error('no assets');
  return assets;
}

/** What modules for the phone's kernel are built from without a phone, and compared with. Files and folders. */
export interface BuildAssets {
  release: string;
  /** kheaders.tar.xz, and the one in the layout of March 2019. */
  archive: string;
  legacyArchive: string;
  /** Makefiles, scripts and objtool of the kernel's source. */
  kernelSource: string;
  /** Debian's own headers package, unpacked: what our results have to equal. */
  objects: string;
  /** Debian's linux-headers-…-common, unpacked, beside its linux-kbuild. */
  common: string;
  vmlinuz: string;
}

/** Builds what is missing of them. */
export async function findBuildAssets(arch: Arch, report: Report): Promise<BuildAssets> {
  const { packages, archive, legacyArchive, kernelSource } = buildSteps(arch);
  const plan = await makeFreshPlan(withInputs([archive, legacyArchive, kernelSource]), report);
  await runMissing(plan, report);
  const usable = join(stepDir(plan, packages), 'usable');
  return {
    release: (await readFile(join(stepDir(plan, packages), 'release'), 'utf8')).trim(),
    archive: join(stepDir(plan, archive), 'kheaders.tar.xz'),
    legacyArchive: join(stepDir(plan, legacyArchive), 'kheaders.tar.xz'),
    kernelSource: stepDir(plan, kernelSource),
    objects: await realpath(join(usable, 'objects')),
    common: await realpath(join(usable, 'source')),
    vmlinuz: await realpath(join(usable, 'vmlinuz')),
  };
}

/** The folder with the modules that tests load on phones of this architecture: NAME.ko for each build/src/fixtures/NAME.c. */
export async function buildFixtures(arch: Arch, report: Report = () => undefined): Promise<string> {
  return buildStep(fixtureStep(arch), report);
}

/** Runs a step that no phone is made of, where it has not been run yet; returns the folder of its result. */
export async function buildStep(step: Step, report: Report): Promise<string> {
  const plan = await makeFreshPlan(withInputs([step]), report);
  await runMissing(plan, report);
  return stepDir(plan, step);
}
