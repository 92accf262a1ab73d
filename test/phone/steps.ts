import { kindProblem, type Arch, type Kernel, type Kind, type Layout, type Pages } from './options.js';

/** Private apt states: Debian's release, and its backports, whose kernels come with 16 KiB pages too. */
export const INDEXES = ['apt', 'apt-backports'] as const;
export type Index = (typeof INDEXES)[number];

/** One build step: a script in build/, the steps it builds on, and everything else that its result depends on. */
export interface Step {
  /** Unique; the name of the step's folder in the cache. */
  readonly id: string;
  readonly script: string;
  /** Steps that build on this one find its result in IN_<ROLE>. */
  readonly role: string;
  readonly arch: Arch;
  readonly pages: Pages;
  readonly layout?: Layout;
  /** Of what is built in several ways: which one. */
  readonly variant?: string;
  readonly inputs: readonly Step[];
  /** Files and folders below build/ that the script reads, besides itself and common.sh. */
  readonly files: readonly string[];
  /** Where downloads come from. */
  readonly index: Index;
  /** Lines of the index of versions (downloads). */
  readonly versions: readonly string[];
  /** Installed Debian packages. */
  readonly packages: readonly string[];
}

type Extras = Partial<
  Pick<Step, 'role' | 'pages' | 'layout' | 'variant' | 'files' | 'index' | 'versions' | 'packages'>
>;

const shared = new Map<string, Step>();

function step(script: string, id: string, arch: Arch, inputs: readonly Step[], extras: Extras = {}): Step {
  const known = shared.get(id);
  if (known) return known;
  const nothing = { files: [], versions: [], packages: [] };
  const made: Step = { id, script, role: script, arch, pages: '4k', inputs, index: 'apt', ...nothing, ...extras };
  shared.set(id, made);
  return made;
}

function compilers(arch: Arch): string[] {
  const native = ['gcc-12', 'g++-12', 'libc6-dev'];
  const cross = ['gcc-12-aarch64-linux-gnu', 'g++-12-aarch64-linux-gnu', 'libc6-dev-arm64-cross'];
  return arch === 'x86_64' ? native : cross;
}

/** The programs of the root file system; one build of them runs on every page size. */
function programs(arch: Arch): Step[] {
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
  return [adbd, toybox, mksh, userland];
}

interface KernelSteps {
  packages: Step;
  /** The kernel's own gen_kheaders.sh, kheaders.c and configs.c. */
  kernelFiles: Step;
}

function kernelSteps(arch: Arch, pages: Pages): KernelSteps {
  if (pages === '4k') {
    return {
      packages: step('packages', `packages-${arch}`, arch, [], { versions: ['abi', 'linux'] }),
      kernelFiles: step('kernel-files', 'kernel-files', 'x86_64', [], { packages: ['linux-source-6.1'] }),
    };
  }
  const download = { pages, index: 'apt-backports', versions: ['abi', 'linux'] } as const;
  return {
    packages: step('packages', `packages-${arch}-${pages}`, arch, [], download),
    kernelFiles: step('kernel-files', `kernel-files-${pages}`, 'x86_64', [], download),
  };
}

/** The kernel nearer to GKI, as its own build leaves it. A variant begins with the objects of the kernel without one. */
function gkiKernel(layout: Layout, kernel: Kernel): Step {
  const tools = step('llvm', 'llvm', 'x86_64', [], { versions: ['llvm-14', 'flex', 'bison'] });
  const source = step('gki-source', 'gki-source', 'x86_64', [], { packages: ['linux-source-6.1'] });
  const build = (id: string, inputs: readonly Step[], variant: string): Step =>
    step('gki-kernel', id, 'arm64', inputs, {
      role: 'packages',
      variant,
      files: [`src/gki/${variant}.config`],
      packages: ['gcc-12', 'libssl-dev'],
    });
  const plain = build('gki-kernel', [tools, source], 'gki');
  if (kernel === 'gki' && layout === 'sys') return plain;
  const variant = kernel === 'gki' ? 'builtin' : 'other';
  return build(`gki-kernel-${variant}`, [tools, source, plain], variant);
}

/** The kernel, and what it has of kheaders. */
function kernelAndModules(kind: Kind, guest: string): Pick<PhoneSteps, 'packages' | 'modules'> {
  const { arch, layout, pages, kernel } = kind;
  if (kernel !== 'debian') {
    const packages = gkiKernel(layout, kernel);
    const modules = step('gki-modules', `modules-${guest}-${layout}`, arch, [packages], { role: 'modules', layout });
    return { packages, modules };
  }
  const { packages, kernelFiles } = kernelSteps(arch, pages);
  const archive = archiveStep(layout, arch, pages, { packages, kernelFiles });
  const made = layout === 'none' ? [packages, kernelFiles] : [packages, kernelFiles, archive];
  const modules = step('modules', `modules-${guest}-${layout}`, arch, made, {
    pages,
    layout,
    packages: compilers(arch),
    files: ['src/kheaders-to-proc.py'],
  });
  return { packages, modules };
}

export interface PhoneSteps {
  packages: Step;
  modules: Step;
  bootImage: Step;
  image: Step;
}

function guestName({ arch, layout, pages, kernel }: Kind): string {
  if (kernel !== 'debian') return layout === 'builtin' ? `${kernel}-${layout}` : kernel;
  return pages === '4k' ? arch : `${arch}-${pages}`;
}

/** The steps whose results a phone of this kind is made of. */
export function phoneSteps(kind: Kind): PhoneSteps {
  const problem = kindProblem(kind);
  if (problem) throw new Error(problem);
  const { arch, layout, pages, kernel } = kind;
  const guest = guestName(kind);
  const { packages, modules } = kernelAndModules(kind, guest);
  const vendorModules =
    kernel === 'debian' ? [step('vendor-modules', `vendor-modules-${guest}`, arch, [packages], { pages })] : [];
  const base = step('base-image', `base-image-${guest}`, arch, [...programs(arch), packages, ...vendorModules], {
    pages,
    files: ['src/mksh'],
  });
  const image = step('image', `image-${guest}-${layout}`, arch, [base, modules, packages, ...vendorModules], {
    pages,
    layout,
  });
  const bootImage = step('boot-image', `boot-image-${guest}`, arch, [packages], {
    pages,
    files: ['write-boot-image.ts', '../boot-image.ts'],
  });
  return { packages, modules, bootImage, image };
}

export interface BuildSteps {
  packages: Step;
  /** What a phone's headers archive holds, in both of its layouts. */
  archive: Step;
  legacyArchive: Step;
  /** Makefiles, scripts and objtool of the kernel's source. */
  kernelSource: Step;
}

/** The steps whose results modules are built from and compared with. */
export function buildSteps(arch: Arch): BuildSteps {
  const { packages, kernelFiles } = kernelSteps(arch, '4k');
  return {
    packages,
    archive: archiveStep('sys', arch, '4k', { packages, kernelFiles }),
    legacyArchive: archiveStep('legacy', arch, '4k', { packages, kernelFiles }),
    kernelSource: step('kernel-source', 'kernel-source', 'x86_64', [], { packages: ['linux-source-6.1'] }),
  };
}

function archiveStep(layout: Layout, arch: Arch, pages: Pages, { packages, kernelFiles }: KernelSteps): Step {
  const guest = pages === '4k' ? arch : `${arch}-${pages}`;
  return layout === 'legacy'
    ? step('archive-legacy', `archive-legacy-${guest}`, arch, [packages], { pages })
    : step('archive', `archive-${guest}`, arch, [packages, kernelFiles], { pages, files: ['src/archive'] });
}

/** Modules that tests load on phones of this architecture. */
export function fixtureStep(arch: Arch): Step {
  const { packages } = kernelSteps(arch, '4k');
  return step('fixtures', `fixtures-${arch}`, arch, [packages], { packages: compilers(arch), files: ['src/fixtures'] });
}

/** Debian's bpftrace, BCC, clang and bpftool for this machine: `bin` in the result. */
export function ebpfToolsStep(): Step {
  return step('ebpf-tools', 'ebpf-tools', 'x86_64', [], { versions: ['linux'] });
}

/** bpftool for a phone: the folder `bpftool` in the result, to be pushed as it is. */
export function bpftoolStep(arch: Arch): Step {
  return step('bpftool', `bpftool-${arch}`, arch, [], { versions: ['linux'] });
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
