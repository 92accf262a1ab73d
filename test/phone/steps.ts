import type { Arch, Layout } from './options.js';

/** One build step: a script in build/, the steps it builds on, and everything else that its result depends on. */
export interface Step {
  /** Unique; the name of the step's folder in the cache. */
  readonly id: string;
  readonly script: string;
  readonly arch: Arch;
  readonly layout?: Layout;
  readonly inputs: readonly Step[];
  /** Files and folders below build/ that the script reads, besides itself and common.sh. */
  readonly files: readonly string[];
  /** Lines of the index of versions (downloads). */
  readonly versions: readonly string[];
  /** Installed Debian packages. */
  readonly packages: readonly string[];
}

type Extras = Partial<Pick<Step, 'layout' | 'files' | 'versions' | 'packages'>>;

const shared = new Map<string, Step>();

function step(script: string, id: string, arch: Arch, inputs: readonly Step[], extras: Extras = {}): Step {
  const known = shared.get(id);
  if (known) return known;
  const made: Step = { id, script, arch, inputs, files: [], versions: [], packages: [], ...extras };
  shared.set(id, made);
  return made;
}

function compilers(arch: Arch): string[] {
  const native = ['gcc-12', 'g++-12', 'libc6-dev'];
  const cross = ['gcc-12-aarch64-linux-gnu', 'g++-12-aarch64-linux-gnu', 'libc6-dev-arm64-cross'];
  return arch === 'x86_64' ? native : cross;
}

function baseImage(arch: Arch, packages: Step): Step {
  const tools = { packages: compilers(arch) };
  // The sources are the same for both architectures, so the step's own architecture is without effect.
  const sources = step('sources', 'sources', 'x86_64', [], {
    versions: ['toybox', 'mksh', 'android-platform-tools'],
  });
  const adbSource = step('adb-source', 'adb-source', 'x86_64', [sources], { files: ['src/adbd'] });
  const adbd = step('adbd', `adbd-${arch}`, arch, [adbSource], {
    files: ['src/adbd'],
    versions: ['libssl-dev'],
    packages: [...compilers(arch), 'libssl-dev'],
  });
  const toybox = step('toybox', `toybox-${arch}`, arch, [sources], tools);
  const mksh = step('mksh', `mksh-${arch}`, arch, [sources], tools);
  const userland = step('userland', `userland-${arch}`, arch, [], { ...tools, files: ['src/phone'] });
  return step('base-image', `base-image-${arch}`, arch, [adbd, toybox, mksh, userland, packages], {
    files: ['src/mksh'],
  });
}

export interface PhoneSteps {
  packages: Step;
  modules: Step;
  image: Step;
}

/** The steps whose results a phone of this kind is made of. */
export function phoneSteps(arch: Arch, layout: Layout): PhoneSteps {
  const tools = { packages: compilers(arch) };
  const packages = step('packages', `packages-${arch}`, arch, [], { versions: ['abi', 'linux'] });
  const kernelFiles = step('kernel-files', 'kernel-files', 'x86_64', [], { packages: ['linux-source-6.1'] });
  const archive =
    layout === 'legacy'
      ? step('archive-legacy', `archive-legacy-${arch}`, arch, [packages])
      : step('archive', `archive-${arch}`, arch, [packages, kernelFiles]);
  const made = layout === 'none' ? [packages, kernelFiles] : [packages, kernelFiles, archive];
  const modules = step('modules', `modules-${arch}-${layout}`, arch, made, {
    ...tools,
    layout,
    files: ['src/kheaders-to-proc.py'],
  });
  const image = step('image', `image-${arch}-${layout}`, arch, [baseImage(arch, packages), modules, packages], {
    layout,
  });
  return { packages, modules, image };
}

/** The steps and all they build on, inputs first. */
export function withInputs(steps: readonly Step[]): Step[] {
  const found = new Set<Step>();
  const visit = (one: Step): void => {
    one.inputs.forEach(visit);
    found.add(one);
  };
  steps.forEach(visit);
  return [...found];
}
