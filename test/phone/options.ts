/** What a phone can be, and the one place where what was left out gets its default. */
export const ARCHES = ['x86_64', 'arm64'] as const;
export const LAYOUTS = ['sys', 'proc', 'legacy', 'builtin', 'none'] as const;
export const PAGE_SIZES = ['4k', '16k'] as const;
/** Debian's own kernel, one nearer to GKI, and another of the same release with another configuration. */
export const KERNELS = ['debian', 'gki', 'gki-other'] as const;
export const SU_MODES = ['magisk', 'aosp', 'none', 'deny', 'hang'] as const;

export type Arch = (typeof ARCHES)[number];
export type Layout = (typeof LAYOUTS)[number];
export type Pages = (typeof PAGE_SIZES)[number];
export type Kernel = (typeof KERNELS)[number];
export type SuMode = (typeof SU_MODES)[number];

/** What decides which kernel a phone has and where its archive is: all that is built, nothing that is set at boot. */
export interface Kind {
  arch: Arch;
  layout: Layout;
  pages: Pages;
  kernel: Kernel;
}

export interface PhoneOptions extends Partial<Kind> {
  name?: string;
  su?: SuMode;
  userBuild?: boolean;
  unauthorized?: boolean;
  sigEnforce?: boolean;
  memoryMiB?: number;
  kernelArgs?: string[];
}

export type PhoneSpec = Required<PhoneOptions>;

let unnamed = 0;

export function completeOptions(options: PhoneOptions): PhoneSpec {
  const kernel = options.kernel ?? 'debian';
  return {
    name: options.name ?? `phone-${process.pid}-${++unnamed}`,
    arch: options.arch ?? (kernel === 'debian' ? 'x86_64' : 'arm64'),
    layout: options.layout ?? 'sys',
    pages: options.pages ?? '4k',
    kernel,
    su: options.su ?? 'magisk',
    userBuild: options.userBuild ?? false,
    unauthorized: options.unauthorized ?? false,
    sigEnforce: options.sigEnforce ?? false,
    memoryMiB: options.memoryMiB ?? 256,
    kernelArgs: options.kernelArgs ?? [],
  };
}

/** Why there is no such phone, in words; undefined if there is. */
export function kindProblem({ arch, layout, pages, kernel }: Kind): string | undefined {
  if (pages !== '4k' && arch !== 'arm64') return `pages of ${pages} are for arm64 only`;
  if (kernel === 'debian') return undefined;
  if (arch !== 'arm64' || pages !== '4k') return `the kernel ${kernel} is for arm64 with pages of 4k only`;
  return gkiLayouts[kernel].includes(layout) ? undefined : `the kernel ${kernel} has no layout ${layout}`;
}

const gkiLayouts: Record<Exclude<Kernel, 'debian'>, readonly Layout[]> = {
  gki: ['sys', 'builtin'],
  'gki-other': ['sys'],
};

export function isOneOf<T extends string>(values: readonly T[], text: string): text is T {
  return (values as readonly string[]).includes(text);
}
